"""Static files under names that change with their content, so that browsers may keep them for ever."""

from whitenoise.storage import CompressedManifestStaticFilesStorage


class Storage(CompressedManifestStaticFilesStorage):  # type: ignore[misc]
    # Before collectstatic has run (tests, a first look) the plain name serves.
    manifest_strict = False

    def stored_name(self, name: str) -> str:
        """The plain name where the file has not been collected."""
        try:
            return str(super().stored_name(name))
        except ValueError:
            return name
