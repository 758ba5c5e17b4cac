"""Static files: a name per content where they are collected, the plain name where they are not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hub.static import Storage


def test_plain_name_before_anything_is_collected(tmp_path: Path, settings: Any) -> None:
    settings.STATIC_ROOT = tmp_path
    assert Storage(location=str(tmp_path), base_url="/static/").url("css/nowhere.css") == "/static/css/nowhere.css"


def test_collected_file_has_its_content_in_its_name(tmp_path: Path) -> None:
    (tmp_path / "a.css").write_text("p { color: red }" * 100)
    storage = Storage(location=str(tmp_path), base_url="/static/")
    list(storage.post_process({"a.css": (storage, "a.css")}))
    name = storage.url("a.css")
    assert name != "/static/a.css"
    assert (tmp_path / f"{Path(name).name}.gz").exists()
