"""The one settings file: everything that differs between installations comes from the environment.

README.md has the table of variables; tests/test_house.py fails when one of them is not in it.
"""

from __future__ import annotations

import ipaddress
import logging
import os
import secrets
import zoneinfo
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import dj_database_url
from django.core.exceptions import ImproperlyConfigured

BASE_DIR = Path(__file__).resolve().parent.parent
VAR_DIR = Path(os.environ.get("VAR_DIR") or BASE_DIR / "var")


def _list(name: str) -> list[str]:
    return [item.strip() for item in os.environ.get(name, "").split(",") if item.strip()]


def _flag(name: str, default: bool = False) -> bool:
    value = os.environ.get(name, "")
    return value.lower() in ("1", "true", "yes", "on") if value else default


def _number(name: str, default: int) -> int:
    value = os.environ.get(name) or str(default)
    if not (value.isascii() and value.isdigit() and len(value) < 6):
        raise ImproperlyConfigured(f"{name} must be a whole number, not {value[:40]!r}.")
    return int(value)


# ── Where we are ─────────────────────────────────────────────────────────────────────────────

HUB_ENV = os.environ.get("HUB_ENV") or "development"
if HUB_ENV not in ("development", "production"):
    # A slip of the pen must not serve demo passwords to the world.
    raise ImproperlyConfigured(f"HUB_ENV is production or development, not {HUB_ENV[:40]!r}.")
PRODUCTION = HUB_ENV == "production"
DEBUG = _flag("DEBUG") and not PRODUCTION
HOST = os.environ.get("HOST") or "127.0.0.1"
PORT = _number("PORT", 8000)
PUBLIC_URL = os.environ.get("PUBLIC_URL", "").rstrip("/") or f"http://{HOST}:{PORT}"
_public = urlsplit(PUBLIC_URL)
if _public.scheme not in ("http", "https") or not _public.hostname:
    raise ImproperlyConfigured(f"PUBLIC_URL must be like https://hub.example, not {PUBLIC_URL!r}.")
PUBLIC_ORIGIN = f"{_public.scheme}://{_public.netloc}"

DATABASE_URL = os.environ.get("DATABASE_URL", "")
REDIS_URL = os.environ.get("REDIS_URL", "")
if bool(DATABASE_URL) != bool(REDIS_URL):
    _given, _missing = ("DATABASE_URL", "REDIS_URL") if DATABASE_URL else ("REDIS_URL", "DATABASE_URL")
    raise ImproperlyConfigured(f"{_given} is set but {_missing} is not: set both, or neither for the embedded default.")
EMBEDDED = not DATABASE_URL


def _secret_key() -> str:
    """From the environment; the embedded default makes one once, readable by its owner alone."""
    given = os.environ.get("SECRET_KEY", "")
    if given:
        return given
    if PRODUCTION:
        raise ImproperlyConfigured("HUB_ENV=production needs SECRET_KEY (50 random characters).")
    path = VAR_DIR / "secret_key"
    VAR_DIR.mkdir(parents=True, exist_ok=True)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_text().strip()
    with os.fdopen(descriptor, "w") as file:
        key = secrets.token_urlsafe(50)
        file.write(key)
    return key


SECRET_KEY = _secret_key()
SECRET_KEY_FALLBACKS = _list("SECRET_KEY_FALLBACKS")

ALLOWED_HOSTS = _list("ALLOWED_HOSTS")
if PRODUCTION:
    if not os.environ.get("PUBLIC_URL"):
        raise ImproperlyConfigured("HUB_ENV=production needs PUBLIC_URL, the address that people and platforms use.")
    if not ALLOWED_HOSTS or "*" in ALLOWED_HOSTS:
        raise ImproperlyConfigured("HUB_ENV=production needs ALLOWED_HOSTS, the host names served, without '*'.")
    if len(SECRET_KEY) < 32 or len(set(SECRET_KEY)) < 8:
        raise ImproperlyConfigured("HUB_ENV=production needs a SECRET_KEY of at least 32 random characters.")
else:
    ALLOWED_HOSTS = ALLOWED_HOSTS or ["localhost", "127.0.0.1", "[::1]", HOST, _public.hostname]

TRUSTED_PROXIES = _list("TRUSTED_PROXIES")
for _proxy in TRUSTED_PROXIES:
    try:
        ipaddress.ip_network(_proxy, strict=False)
    except ValueError as error:
        raise ImproperlyConfigured(f"TRUSTED_PROXIES has addresses and networks; {_proxy[:60]!r} is none.") from error
CSRF_TRUSTED_ORIGINS = [PUBLIC_ORIGIN]
SECURE_COOKIES = _public.scheme == "https"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_COOKIES
SESSION_ENGINE = "agents.sessions"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_AGE = 30 * 24 * 3600
CSRF_FAILURE_VIEW = "hub.views.csrf_failure"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_HSTS_SECONDS = 31_536_000 if PRODUCTION and SECURE_COOKIES else 0
X_FRAME_OPTIONS = "DENY"

# ── The parts ────────────────────────────────────────────────────────────────────────────────

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "channels",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django_htmx",
    "allauth",
    "allauth.account",
    "hub",
    "agents",
    "agents.presence",
    "agents.hours",
    "channels_app",
    "channels_app.widget",
    "customers",
    "tickets",
    "tickets.continuing",
    "tickets.sla",
    "tickets.routing",
    "tickets.erasing",
    "surveys",
    "reports",
]

MIDDLEWARE = [
    "hub.middleware.ForwardedHeaders",
    "django.middleware.security.SecurityMiddleware",
    "hub.middleware.CompressedPages",
    "csp.middleware.CSPMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "agents.middleware.Preferences",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "allauth.account.middleware.AccountMiddleware",
]
# Webhooks pass through these alone: no session, no cookie, no language, and a third less CPU.
LEAN_PATHS = ("/webhooks/", "/widget/", "/widget.js", "/healthz", "/readyz")
LEAN_MIDDLEWARE = ["hub.middleware.ForwardedHeaders"]

ROOT_URLCONF = "hub.urls"
WSGI_APPLICATION = "hub.wsgi.application"
ASGI_APPLICATION = "hub.asgi.application"
APPEND_SLASH = True

TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "django.template.context_processors.i18n",
                "django.template.context_processors.tz",
            ],
        },
    },
]

# ── Database ─────────────────────────────────────────────────────────────────────────────────

DATABASES: dict[str, dict[str, Any]]
if EMBEDDED:
    DATABASES = {
        "default": {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": VAR_DIR / "hub.sqlite3",
            "CONN_MAX_AGE": None,
            "OPTIONS": {
                "transaction_mode": "IMMEDIATE",
                "timeout": 20,
                # FULL: what got a 2xx survives a power cut; NORMAL may lose the last commits.
                "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA cache_size=-8000;",
            },
            "TEST": {"NAME": VAR_DIR / "test.sqlite3"},
        }
    }
else:
    try:
        DATABASES = {"default": dict(dj_database_url.parse(DATABASE_URL))}
    except ValueError:
        DATABASES = {"default": {"ENGINE": ""}}
    if not DATABASES["default"]["ENGINE"].endswith("postgresql"):
        raise ImproperlyConfigured("DATABASE_URL must be like postgresql://user:password@host/name.")
    DATABASES["default"].update(CONN_MAX_AGE=None, CONN_HEALTH_CHECKS=True)
    DATABASES["default"].setdefault("OPTIONS", {}).update(
        # A stuck writer of ours holds the log's horizon back for 5 s at most (tickets/models/activity.py).
        options="-c idle_in_transaction_session_timeout=5000 -c lock_timeout=10000",
    )
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# ── Staff and sign-in ────────────────────────────────────────────────────────────────────────

AUTH_USER_MODEL = "agents.Agent"
AUTHENTICATION_BACKENDS = [
    "django.contrib.auth.backends.ModelBackend",
    "allauth.account.auth_backends.AuthenticationBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
ACCOUNT_ADAPTER = "agents.sign_in.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_USER_MODEL_EMAIL_FIELD = "email"
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_LOGOUT_ON_GET = False
ACCOUNT_SESSION_REMEMBER = True
ACCOUNT_PREVENT_ENUMERATION = True
# No letter to whoever is typed in: strangers cannot sign up here.
ACCOUNT_EMAIL_UNKNOWN_ACCOUNTS = False
ACCOUNT_DEFAULT_HTTP_PROTOCOL = _public.scheme

# ── Language and time ────────────────────────────────────────────────────────────────────────

LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("id", "Bahasa Indonesia"), ("ms", "Bahasa Melayu"), ("th", "ไทย")]
LOCALE_PATHS = [VAR_DIR / "locale"]
FORMAT_MODULE_PATH = "hub.formats"
USE_TZ = True
TIME_ZONE = os.environ.get("TIME_ZONE") or "UTC"
try:
    zoneinfo.ZoneInfo(TIME_ZONE)
except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError) as error:
    raise ImproperlyConfigured(f"TIME_ZONE must be like Asia/Jakarta, not {TIME_ZONE[:60]!r}.") from error
USE_THOUSAND_SEPARATOR = False

# ── Files ────────────────────────────────────────────────────────────────────────────────────

STATIC_URL = "/static/"
STATIC_ROOT = VAR_DIR / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
MEDIA_ROOT = Path(os.environ.get("MEDIA_ROOT") or VAR_DIR / "media")
STORAGES: dict[str, dict[str, Any]] = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "hub.static.Storage"},
}
WHITENOISE_MAX_AGE = 3600
FILE_UPLOAD_PERMISSIONS = 0o600
DATA_UPLOAD_MAX_MEMORY_SIZE = 12 * 1024 * 1024
DATA_UPLOAD_MAX_NUMBER_FIELDS = 5000
MAX_ATTACHMENT_BYTES = 25 * 1024 * 1024

# ── Mail of our own (password resets) ────────────────────────────────────────────────────────

EMAIL_CONFIG = os.environ.get("EMAIL_URL", "")
if EMAIL_CONFIG:
    _mail = urlsplit(EMAIL_CONFIG)
    EMAIL_HOST, EMAIL_PORT = _mail.hostname or "localhost", _mail.port or 25
    EMAIL_HOST_USER, EMAIL_HOST_PASSWORD = _mail.username or "", _mail.password or ""
    EMAIL_USE_SSL, EMAIL_USE_TLS = _mail.scheme == "smtps", _mail.scheme == "smtp+tls"
else:
    EMAIL_BACKEND = "django.core.mail.backends.console.EmailBackend"
DEFAULT_FROM_EMAIL = os.environ.get("DEFAULT_FROM_EMAIL") or f"pelanggan@{_public.hostname}"

# ── The exchange and the desk ────────────────────────────────────────────────────────────────

CHANNEL_ADAPTERS = {
    "webhook": "channels_app.adapters.webhook.WebhookAdapter",
    "sms": "channels_app.adapters.sms.SmsAdapter",
    "line": "channels_app.adapters.line.LineAdapter",
    "telegram": "channels_app.adapters.telegram.TelegramAdapter",
    "email": "channels_app.adapters.email.adapter.EmailAdapter",
    "webchat": "channels_app.adapters.webchat.WebchatAdapter",
    "sandbox": "channels_app.adapters.sandbox.SandboxAdapter",
    "whatsapp": "channels_app.adapters.whatsapp.WhatsAppAdapter",
    "messenger": "channels_app.adapters.messenger.MessengerAdapter",
    "instagram": "channels_app.adapters.instagram.InstagramAdapter",
}
# The two seams upward: dotted paths, so that a lower floor never imports a higher one.
INBOUND_HANDLER = "tickets.intake.receive"
REPLY_CLAIMS: list[str] = ["surveys.claims.claim"]
# What each floor keeps of a customer, and how that is erased: modules with kept(customer) and erase(customer).
PERSONAL_DATA: list[str] = ["surveys.erasing"]
# What the first word of a line's type stands for on a floor above → who puts such a line into words.
LOG_WORDING: dict[str, str] = {"survey": "surveys.wording.of_line"}
SANDBOX_ENABLED = _flag("SANDBOX_ENABLED", default=not PRODUCTION)

REOPEN_WITHIN_DAYS = _number("REOPEN_WITHIN_DAYS", 7)
ENVELOPE_KEEP_DAYS = _number("ENVELOPE_KEEP_DAYS", 30)
PROFILE_REFRESH_DAYS = _number("PROFILE_REFRESH_DAYS", 7)
LOG_KEEP_DAYS = _number("LOG_KEEP_DAYS", 90)

# Seconds between two looks at what is due. Rows wait in the database, so a look that is missed costs
# time, never work.
TIMETABLE: dict[str, float] = {
    "channels_app.jobs.beat": 5,
    "channels_app.inbound.retry_due": 1,
    "channels_app.inbound.purge": 3600,
    "channels_app.widget.visitors.purge": 3600,
    "channels_app.templates.sweep": 60,
    "channels_app.quotas.sweep": 20,
    "tickets.delivery.sweep": 1,
    "tickets.media.sweep": 1,
    "tickets.thumbnails.sweep": 5,
    "tickets.courtesies.sweep": 2,
    "tickets.reactions.sweep": 2,
    "tickets.profiles.sweep": 2,
    "tickets.lifecycle.wake_due": 1,
    "tickets.continuing.mailing.sweep": 5,
    "tickets.sla.watching.sweep": 1,
    "tickets.holidays.sweep": 10,
    "tickets.pending.settle": 2,
    "tickets.erasing.steps.sweep": 10,
    "tickets.routing.desk.sweep": 2,
    "tickets.routing.desk.watch": 2,
    "tickets.models.activity.purge": 3600,
    "tickets.replies.purge_keys": 3600,
    "surveys.watching.follow": 1,
    "surveys.asking.sweep": 2,
    "surveys.following.sweep": 2,
    "surveys.tallies.sweep": 2,
}

# ── Security policy of the pages ─────────────────────────────────────────────────────────────

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'none'"],
        "script-src": ["'self'"],
        "style-src": ["'self'"],
        "img-src": ["'self'", "data:", "blob:"],
        "media-src": ["'self'", "blob:"],
        "font-src": ["'self'"],
        "connect-src": ["'self'", PUBLIC_ORIGIN.replace("http", "ws", 1)],
        "frame-src": ["'self'"],
        "manifest-src": ["'self'"],
        "form-action": ["'self'"],
        "base-uri": ["'none'"],
        "frame-ancestors": ["'none'"],
    }
}

# ── API ──────────────────────────────────────────────────────────────────────────────────────

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["agents.tokens.BearerAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_SCHEMA_CLASS": "tickets.api.openapi.Schema",
    "EXCEPTION_HANDLER": "tickets.api.problems.handle",
    "UNAUTHENTICATED_USER": None,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Pelanggan",
    "DESCRIPTION": "Omnichannel customer service: tickets, messages, customers, channels.",
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_AUTHENTICATION": [],
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "ENUM_NAME_OVERRIDES": {
        "ActorType": "tickets.api.schema.ACTORS",
        "CustomerType": "tickets.api.schema.CUSTOMER_TYPES",
        "AttachmentState": "tickets.api.schema.ATTACHMENT_STATES",
        "EnvelopeState": "tickets.api.schema.ENVELOPE_STATES",
        "SurveyKind": "surveys.api.KINDS",
    },
}

# ── Workers ──────────────────────────────────────────────────────────────────────────────────

CELERY_APP = "hub.celery.app"
CELERY_BROKER_URL = REDIS_URL or "memory://"
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 4
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_TRANSPORT_OPTIONS = {"socket_timeout": 5, "socket_connect_timeout": 2}

# ── Logging ──────────────────────────────────────────────────────────────────────────────────

LOG_LEVEL = (os.environ.get("LOG_LEVEL") or "INFO").upper()
if LOG_LEVEL not in logging.getLevelNamesMapping():
    raise ImproperlyConfigured(f"LOG_LEVEL is DEBUG, INFO, WARNING or ERROR, not {LOG_LEVEL[:40]!r}.")
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"lines": {"()": "hub.log.formatter"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "lines"}},
    "root": {"handlers": ["stderr"], "level": LOG_LEVEL},
    "loggers": {
        "celery": {"level": "WARNING"},
        "daphne": {"level": "WARNING"},
        "django.request": {"level": "ERROR"},
        "httpx": {"level": "WARNING"},
        "httpcore": {"level": "WARNING"},
        "twisted": {"level": "WARNING"},
    },
}
