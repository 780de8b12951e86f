"""Django's settings, from the environment alone. docs/settings.md lists them."""

from ipaddress import ip_network
from pathlib import Path

from cryptography.fernet import Fernet
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured
from environs import FileAwareEnv, validate
from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict
from whitenoise.compress import Compressor

from console.group_roles import roles_of_groups
from console.kept_secrets import kept_secret
from pushlog.postgres import embedded

# NAME_FILE may name a file that holds the value, for secrets.
env = FileAwareEnv()

BASE_DIR = Path(__file__).resolve().parent.parent
# The wheel has templates and static files inside this package, where Django finds them by itself.
CHECKOUT = not (BASE_DIR / "console" / "templates").exists()

VAR = env.path("PUSHLOG_VAR", BASE_DIR / "var" if CHECKOUT else Path("var")).absolute()
DATABASE_URL = env.str("DATABASE_URL", "")
EMBEDDED = not DATABASE_URL

SECRET_KEY = env.str("SECRET_KEY", "") or kept_secret("SECRET_KEY", VAR, may_make=EMBEDDED)
# Earlier ones: what they signed, such as sessions, still counts.
SECRET_KEY_FALLBACKS: list[str] = env.list("SECRET_KEY_FALLBACKS", [])
# The first key encrypts; all decrypt.
ENCRYPTION_KEYS = env.list("ENCRYPTION_KEYS", []) or [kept_secret("ENCRYPTION_KEYS", VAR, may_make=EMBEDDED)]
try:
    for _key in ENCRYPTION_KEYS:
        Fernet(_key)
except ValueError:
    raise ImproperlyConfigured("ENCRYPTION_KEYS: a key is 32 random bytes in URL-safe base64.") from None
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", ["localhost", "127.0.0.1", "[::1]"] if EMBEDDED else [])
HTTPS = env.bool("HTTPS", not EMBEDDED)
# Only these may say in X-Forwarded-For where a request comes from.
try:
    TRUSTED_PROXIES = [
        ip_network(one.strip()) for one in env.list("TRUSTED_PROXIES", ["127.0.0.0/8", "::1"] if HTTPS else [])
    ]
except ValueError:
    raise ImproperlyConfigured("TRUSTED_PROXIES: an address, or a network such as 10.0.0.0/8.") from None
# Both also bind what else runs on the domain, and browsers keep them for long.
HSTS_SUBDOMAINS = env.bool("HSTS_SUBDOMAINS", False)
HSTS_PRELOAD = env.bool("HSTS_PRELOAD", False)
PARTITION_DAYS = env.int("PARTITION_DAYS", 1, validate=validate.Range(1, 30))
# Seconds for a query of a page; commands have no limit.
STATEMENT_TIMEOUT = env.int("STATEMENT_TIMEOUT", 5, validate=validate.Range(1))
# The same for storing rows. Silent workers are replaced after 60 seconds.
WRITE_TIMEOUT = env.int("WRITE_TIMEOUT", 30, validate=validate.Range(1, 50))
# Seconds, either way.
SIGNATURE_MAX_AGE = env.int("SIGNATURE_MAX_AGE", 600, validate=validate.Range(1))
# Off behind a pooler in transaction mode that does not track prepared statements.
PREPARED_STATEMENTS = env.bool("PREPARED_STATEMENTS", True)
WORKERS = env.int("WORKERS", 2, validate=validate.Range(1))
LOG_LEVEL = env.str("LOG_LEVEL", "INFO", validate=validate.OneOf(["DEBUG", "INFO", "WARNING", "ERROR"]))
LOG_JSON = env.bool("LOG_JSON", False)
MAINTAIN = env.bool("MAINTAIN", True)
METRICS_TOKEN = env.str("METRICS_TOKEN", "")
# How long entries of the audit log stay, in days.
AUDIT_DAYS = env.int("AUDIT_DAYS", 400, validate=validate.Range(31, 3660))
# Its entries on standard output, too, as JSON lines.
AUDIT_LINES = env.bool("AUDIT_LINES", False)
# What one person may do within an hour.
SEARCHES_PER_HOUR = env.int("SEARCHES_PER_HOUR", 600, validate=validate.Range(1))
REVEALS_PER_HOUR = env.int("REVEALS_PER_HOUR", 60, validate=validate.Range(1))
EXPORTS_PER_HOUR = env.int("EXPORTS_PER_HOUR", 20, validate=validate.Range(1))

# Who needs a second factor: roles in an app or for the installation. The demo asks nobody.
SECOND_FACTOR_ROLES: list[str] = env.list(
    "SECOND_FACTOR_ROLES",
    ["manager", "administrator"],
    validate=validate.ContainsOnly(["viewer", "support", "operator", "manager", "administrator", "auditor"]),
)

# Single sign-on by OpenID Connect.
OIDC_ISSUER = env.str("OIDC_ISSUER", "").rstrip("/")
OIDC_CLIENT_ID = env.str("OIDC_CLIENT_ID", "")
OIDC_CLIENT_SECRET = env.str("OIDC_CLIENT_SECRET", "")
# On the button of the log-in.
OIDC_NAME = env.str("OIDC_NAME", "single sign-on")
OIDC_GROUPS_CLAIM = env.str("OIDC_GROUPS_CLAIM", "groups")
# What the provider's groups are here: "group=shop:operator,other group=administrator".
OIDC_ROLES = roles_of_groups(env.list("OIDC_ROLES", []))
if OIDC_ISSUER and not (OIDC_CLIENT_ID and OIDC_ROLES):
    raise ImproperlyConfigured("OIDC_ISSUER needs OIDC_CLIENT_ID and OIDC_ROLES: without a role, nobody gets in.")

INSTALLED_APPS = [
    "console",
    "pushlog",
    "console.apps.AdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.openid_connect",
    "allauth.usersessions",
    "csp",
    "django_filters",
    "django_tables2",
    "ninja",  # for its static files: the page about the API
]

MIDDLEWARE = [
    "console.middleware.answer_probes",
    "console.middleware.measure_requests",
    "pushlog.api.errors.in_json",
    "pushlog.tpns.answers.in_json",
    "django.middleware.security.SecurityMiddleware",
    "console.middleware.StaticFiles",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "console.logins.end_old_sessions",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "console.middleware.keep_private",
    "console.middleware.own_time_zone",
    "console.middleware.FrameErrors",
]

ROOT_URLCONF = "console.urls"
WSGI_APPLICATION = "console.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"] if CHECKOUT else [],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "console.access.navigation",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    }
]


def _database() -> dict[str, object]:
    options: dict[str, object] = {}
    if EMBEDDED:
        where: dict[str, object] = dict(embedded.connection(VAR))
    else:
        # libpq's own reader takes every form of address.
        try:
            options = dict(conninfo_to_dict(DATABASE_URL))
        except ProgrammingError:
            # Without the cause: its text has the whole address in it, and that has a password.
            raise ImproperlyConfigured("DATABASE_URL is not an address of a PostgreSQL database.") from None
        names = {"HOST": "host", "PORT": "port", "USER": "user", "PASSWORD": "password", "NAME": "dbname"}
        where = {django: options.pop(libpq, "") or "" for django, libpq in names.items()}
    options["application_name"] = "pushlog"
    return {
        "ENGINE": "django.db.backends.postgresql",
        **where,
        "OPTIONS": options,
        # What a connection has learned of 400 partitions and indexes takes 15 ms to learn again.
        "CONN_MAX_AGE": 3600,
        "CONN_HEALTH_CHECKS": True,
    }


DATABASES = {"default": _database()}
# PostgreSQL's default of 4 is for spinning disks. With it, the primary key looks cheaper than the list's index, and a
# page behind a campaign reads all of its messages. `options` of the address may say otherwise.
SESSION_SETTINGS = {"random_page_cost": "1.1"} if "random_page_cost" not in DATABASE_URL else {}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

LANGUAGE_CODE = "en-gb"
USE_I18N = False
USE_TZ = True
TIME_ZONE = "UTC"
# Where Django's admin prints a time.
FORMAT_MODULE_PATH = ["console.formats"]

STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "static"] if CHECKOUT else []
# `serve` collects them in a checkout, and the build of the wheel collects them for it.
STATIC_ROOT = BASE_DIR / "staticfiles" if CHECKOUT else BASE_DIR / "console" / "staticfiles"
STORAGES = {"staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"}}
WHITENOISE_KEEP_ONLY_HASHED_FILES = True
# Source maps too: nobody's page loads them, and compressing them takes longer than all else.
WHITENOISE_SKIP_COMPRESS_EXTENSIONS = [*Compressor.SKIP_COMPRESS_EXTENSIONS, "map"]
# Those of earlier versions, which stay in the folder of a checkout.
WHITENOISE_MAX_AGE = 3600

# One alone: each would hash a wrong password.
AUTHENTICATION_BACKENDS = ["console.access.Backend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "apps"
ACCOUNT_ADAPTER = "console.logins.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"username"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "password1*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_SESSION_REMEMBER = True
ACCOUNT_FORMS = {"change_password": "console.logins.ChangePasswordForm"}
# allauth's own counts are by address alone. console/logins.py and console/second_factors.py count by account, too.
ACCOUNT_RATE_LIMITS = False
ACCOUNT_REAUTHENTICATION_TIMEOUT = 15 * 60
SOCIALACCOUNT_ADAPTER = "console.single_sign_on.SocialAccountAdapter"
SOCIALACCOUNT_PROVIDERS: dict[str, dict[str, object]] = {"openid_connect": {"OAUTH_PKCE_ENABLED": True, "APPS": []}}
if OIDC_ISSUER:
    SOCIALACCOUNT_PROVIDERS["openid_connect"]["APPS"] = [
        {
            "provider_id": "sso",
            "name": OIDC_NAME,
            "client_id": OIDC_CLIENT_ID,
            "secret": OIDC_CLIENT_SECRET,
            "settings": {"server_url": OIDC_ISSUER},
        }
    ]
MFA_ADAPTER = "console.second_factors.SecondFactorAdapter"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_FORMS = {
    "authenticate": "console.second_factors.CodeForm",
    "reauthenticate": "console.second_factors.ConfirmingCodeForm",
    "activate_totp": "console.second_factors.FirstCodeForm",
    "add_webauthn": "console.second_factors.AddPasskeyForm",
    "authenticate_webauthn": "console.second_factors.PasskeyForm",
    "reauthenticate_webauthn": "console.second_factors.ConfirmingPasskeyForm",
}
MFA_TOTP_ISSUER = "Pushlog"
# A phone's clock may be half a minute off.
MFA_TOTP_TOLERANCE = 1
MFA_RECOVERY_CODES_SHOW_ONCE = True
# Browsers take localhost for secure, and nothing else without HTTPS.
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = not HTTPS
# For the codes that were used. All processes and machines share it.
CACHES = {"default": {"BACKEND": "django.core.cache.backends.db.DatabaseCache", "LOCATION": "pushlog_cache"}}

# Browsers take a __Host- cookie from this host alone, not from another of the domain.
COOKIE_PREFIX = "__Host-" if HTTPS else ""
SESSION_COOKIE_NAME = f"{COOKIE_PREFIX}sessionid"
SESSION_COOKIE_AGE = 12 * 3600
SESSION_IDLE_MINUTES = env.int("SESSION_IDLE_MINUTES", 30, validate=validate.Range(1))
SESSION_COOKIE_SECURE = HTTPS
CSRF_COOKIE_NAME = f"{COOKIE_PREFIX}csrftoken"
CSRF_COOKIE_SECURE = HTTPS
CSRF_FAILURE_VIEW = "console.views.errors.csrf_failure"
SECURE_SSL_REDIRECT = HTTPS
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if HTTPS else None
SECURE_HSTS_SECONDS = 365 * 24 * 3600 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = HSTS_SUBDOMAINS
SECURE_HSTS_PRELOAD = HSTS_PRELOAD
# `check --deploy` would ask for these two.
SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W021"]
# With no-referrer, browsers send "Origin: null" with our own forms, and Django refuses those.
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        # Tabler's style sheet has data: images.
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
    }
}

LOG_FORMATTER = {"()": f"console.logs.{'JsonFormatter' if LOG_JSON else 'LineFormatter'}"}
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": LOG_FORMATTER},
    "filters": {"refusals": {"()": "console.logs.SampledRefusals"}},
    "handlers": {
        "stderr": {"class": "logging.StreamHandler", "formatter": "line", "filters": ["refusals"]},
        "audit": {"class": "logging.StreamHandler", "stream": "ext://sys.stdout"},
    },
    "root": {"handlers": ["stderr"], "level": LOG_LEVEL},
    "loggers": {
        "django": {"handlers": [], "propagate": True},
        # DEBUG would log the values of every query.
        "django.db.backends": {"level": "INFO"},
        # Below, it reports every request that waits for a thread, and names addresses.
        "waitress": {"level": "ERROR"},
        "pushlog.audit.lines": {"handlers": ["audit"], "level": "INFO", "propagate": False},
    },
}
