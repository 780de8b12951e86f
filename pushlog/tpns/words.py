"""Our words and TPNS's, for records and for filters."""

from pushlog.models import App, MessageType, TargetKind, TaskSource, TaskState

STATUS: dict[int, str] = {
    TaskState.CREATED: "PUSH_INIT",
    TaskState.WAITING: "PUSH_WAIT",
    TaskState.STARTED: "PUSH_STARTED",
    TaskState.FINISHED: "PUSH_FINISHED",
    TaskState.FAILED: "PUSH_FAILED",
    TaskState.CANCELLED: "PUSH_CANCELED",
    TaskState.DELETED: "PUSH_DELETED",
    TaskState.REVOKED: "PUSH_REVOKED",
    TaskState.OVERWRITTEN: "PUSH_COLLAPSED",
    TaskState.TERMINATED: "PUSH_DELETED_PUSH_MSG",
}
PUSH_TYPE: dict[int, str] = {
    TargetKind.ALL: "all",
    TargetKind.TAG: "tag",
    TargetKind.DEVICES: "token_list",
    TargetKind.ACCOUNTS: "account_list",
    TargetKind.ACCOUNT_FILE: "package_account_push",
    TargetKind.DEVICE_FILE: "package_token_push",
}
MESSAGE_TYPE: dict[int, str] = {MessageType.NOTIFICATION: "notify", MessageType.DATA: "message"}
ENVIRONMENT: dict[str, str] = {App.Environment.PRODUCTION: "product", App.Environment.DEVELOPMENT: "dev"}
SOURCE: dict[int, str] = {TaskSource.API: "api", TaskSource.CONSOLE: "web"}

# The filters of a list. TPNS documents other words for them than its records have: both are taken. “notification” is
# in its English pages only.
MESSAGE_TYPE_ASKED = {
    "notify": MessageType.NOTIFICATION,
    "notification": MessageType.NOTIFICATION,
    "message": MessageType.DATA,
}
PUSH_TYPE_ASKED = {word: TargetKind(kind) for kind, word in PUSH_TYPE.items()} | {
    "token": TargetKind.DEVICES,
    "account": TargetKind.ACCOUNTS,
}
