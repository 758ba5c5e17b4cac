"""The pages that show the API: its OpenAPI description, and Swagger UI over it. Public."""

from __future__ import annotations

from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

schema = SpectacularAPIView.as_view()


class Docs(SpectacularSwaggerSplitView):  # type: ignore[misc]
    """From our own files, its script in a request of its own: the strict policy of the pages holds."""

    url_name = "api-schema"
    template_name = "api/docs.html"


page = Docs.as_view()
