"""Static files under names that change with their content, so that browsers may keep them for ever."""

from django.contrib.staticfiles.storage import HashedFilesMixin
from whitenoise.storage import CompressedManifestStaticFilesStorage

_JS_IMPORTS = vars(HashedFilesMixin)["_js_module_import_aggregation_patterns"]


class Storage(CompressedManifestStaticFilesStorage):  # type: ignore[misc]
    # Before collectstatic has run (tests, a first look) the plain name serves.
    manifest_strict = False
    # Our own modules import each other by the names that change with their content too; vendors' stay as they are.
    support_js_module_import_aggregation = True
    _js_module_import_aggregation_patterns = ("js/*.js", _JS_IMPORTS[1])

    def stored_name(self, name: str) -> str:
        """The plain name where the file has not been collected."""
        try:
            return str(super().stored_name(name))
        except ValueError:
            return name
