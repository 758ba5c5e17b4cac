"""Doors that do what a server finds hard: large, slow and endless answers, chatty sockets."""

import asyncio
import time
from pathlib import Path

from django.conf import settings
from django.http import FileResponse, HttpRequest, HttpResponse, JsonResponse, StreamingHttpResponse
from django.urls import path
from django.views.decorators.csrf import csrf_exempt

from hub.health import healthz, readyz


@csrf_exempt
def echo(request: HttpRequest) -> JsonResponse:
    return JsonResponse(
        {
            "method": request.method,
            "size": len(request.body),
            "form": request.POST.dict(),
            "uri": request.META["REQUEST_URI"],
            "path": request.path,
            "cookies": request.COOKIES,
        }
    )


def file(request: HttpRequest) -> FileResponse:
    return FileResponse((Path(settings.VAR_DIR) / "large").open("rb"))


def endless(request: HttpRequest) -> StreamingHttpResponse:
    mark = Path(settings.VAR_DIR) / "closed"

    def chunks():
        try:
            while True:
                yield b"x" * 100_000
        finally:
            mark.touch()

    return StreamingHttpResponse(chunks())


def slow(request: HttpRequest) -> HttpResponse:
    (Path(settings.VAR_DIR) / "under-way").touch()
    time.sleep(2)
    return HttpResponse("done" * int(request.GET.get("times", 1)))


def broken(request: HttpRequest) -> HttpResponse:
    raise RuntimeError("on purpose")


async def chatter(scope, receive, send):
    await receive()
    await send({"type": "websocket.accept"})
    while (message := await receive())["type"] != "websocket.disconnect":
        text = message.get("text", "")
        if text.startswith("flow"):
            _, count, size = text.split()
            for _ in range(int(count)):
                await send({"type": "websocket.send", "text": "y" * int(size)})
                await scope["extensions"]["hub.drained"]()
        elif text.startswith("burst"):
            _, count, size = text.split()
            for _ in range(int(count)):
                await send({"type": "websocket.send", "text": "y" * int(size)})
                await asyncio.sleep(0)
        else:
            await send({"type": "websocket.send", "text": f"{len(text)}"})


urlpatterns = [
    path("healthz", healthz),
    path("readyz", readyz),
    path("webhooks/echo/", echo),
    path("file", file),
    path("endless", endless),
    path("slow", slow),
    path("broken", broken),
]
websocket_urlpatterns = [path("ws/chatter/", chatter)]
