"""Django's settings, all of them from `kefu.kit.settings`."""

from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from kefu.desk.crypto import derived_key
from kefu.kit.errors import BadInput
from kefu.kit.settings import settings

_kefu = settings()


def _database() -> dict[str, Any]:
    if not _kefu.database_url:
        return {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": _kefu.folder / "kefu.db",
            # A file in tests too: several threads write, and a database in memory has locks of its own kind.
            "TEST": {"NAME": _kefu.folder / "test.db"},
            "OPTIONS": {
                # A write transaction takes its lock at once, so two writers wait for each other and never deadlock.
                "transaction_mode": "IMMEDIATE",
                "timeout": 20,
                "init_command": (
                    "PRAGMA journal_mode=WAL;"
                    f"PRAGMA synchronous={_kefu.sqlite_synchronous};"
                    "PRAGMA mmap_size=134217728;"
                    "PRAGMA cache_size=-16000;"
                    # 64 MB of log. A message writes some thirty pages, mostly the same ones, and at SQLite's own 1,000
                    # whoever writes brings them into the file, and waits for the disk, ten times a second under load.
                    # At other times dispatch does it (`changes.settle`), long before there are so many.
                    "PRAGMA wal_autocheckpoint=16000;"
                ),
            },
        }
    url = urlsplit(_kefu.database_url)
    if url.scheme not in {"postgres", "postgresql"}:
        raise BadInput("Setting KEFU_DATABASE_URL must look like postgresql://user:password@host/name.")
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(url.path.lstrip("/")),
        "USER": unquote(url.username or ""),
        "PASSWORD": unquote(url.password or ""),
        "HOST": url.hostname or "",
        "PORT": str(url.port or ""),
        "OPTIONS": dict(parse_qsl(url.query)),
        "CONN_MAX_AGE": None,
        "CONN_HEALTH_CHECKS": True,
    }


DATABASES = {"default": _database()}
SECRET_KEY = derived_key("django").hex()
DEBUG = False
ALLOWED_HOSTS = [host.strip() for host in _kefu.allowed_hosts.split(",") if host.strip()]
USE_TZ = True
TIME_ZONE = "UTC"
LANGUAGE_CODE = "en"
AUTH_USER_MODEL = "accounts.User"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    # Single sign-on, second factors and the list of sessions; none of their pages and addresses is served.
    "allauth",
    "allauth.account",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.openid_connect",
    "allauth.mfa",
    "allauth.usersessions",
    "kefu.desk.accounts",
    "kefu.desk.contacts",
    "kefu.desk.library",
    "kefu.desk.modelhub",
    "kefu.desk.inbox",
    "kefu.desk.calls",
    "kefu.desk.assistants",
    "kefu.desk.insights",
    "kefu.desk.surveys",
    "kefu.desk.copilot",
    "kefu.desk.webhooks",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "kefu.desk.http.seen.seen",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "kefu.desk.http.headers.no_store",
]
ROOT_URLCONF = "kefu.desk.urls"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
# The API is the only reader of these cookies, so pages beside it (the widget's) never send them.
SESSION_COOKIE_NAME, CSRF_COOKIE_NAME = "kefu_session", "kefu_csrf"
SESSION_COOKIE_PATH = CSRF_COOKIE_PATH = "/desk"
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = True
CSRF_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = _kefu.public_url.startswith("https://")
CSRF_TRUSTED_ORIGINS = [_kefu.public_url] if _kefu.public_url else []
# Of allauth only the parts are used: our own routes lead in, so none of its forms, names and mails are wanted.
SOCIALACCOUNT_ADAPTER = "kefu.desk.accounts.oidc.SignOnAdapter"
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
# A telephone's clock may be half a minute off, and a code may be typed as it changes (RFC 6238, section 5.2).
MFA_TOTP_TOLERANCE = 1
# kit.log writes every line; Django's own handlers would write some of them twice.
LOGGING_CONFIG = None


def _files() -> dict[str, Any]:
    if not _kefu.storage:
        return {
            "BACKEND": "django.core.files.storage.FileSystemStorage",
            "OPTIONS": {"location": _kefu.folder / "files", "file_permissions_mode": 0o600},
        }
    place = urlsplit(_kefu.storage)
    if place.scheme != "s3":
        raise BadInput("Setting KEFU_STORAGE must be empty or look like s3://bucket/prefix.")
    return {
        "BACKEND": "storages.backends.s3.S3Storage",
        "OPTIONS": {"bucket_name": place.netloc, "location": place.path.lstrip("/")},
    }


STORAGES = {
    "default": _files(),
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
