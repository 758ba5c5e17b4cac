# One image for web and worker; docker-compose.yml says which of them a container is.
FROM python:3.13-slim

ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 PIP_NO_CACHE_DIR=1 MALLOC_ARENA_MAX=2 \
    HOST=0.0.0.0 PORT=8000 HUB_ENV=production
WORKDIR /app

COPY requirements.txt constraints.txt ./
RUN pip install --disable-pip-version-check -r requirements.txt

RUN useradd --system --uid 10001 --home-dir /app --shell /usr/sbin/nologin pelanggan
COPY . .
# Compiled as development with a throw-away key: production would ask for settings that belong to the installation.
RUN HUB_ENV=development SECRET_KEY=only-while-the-image-is-built python manage.py prepare --files-only \
    && mkdir -p var/media && chown -R pelanggan: var

USER pelanggan
EXPOSE 8000
VOLUME /app/var/media
HEALTHCHECK --interval=15s --timeout=5s --start-period=60s \
    CMD ["python", "-m", "hub.probe", "web"]
CMD ["python", "-m", "hub.server", "--prepare"]
