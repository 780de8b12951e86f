"""The tables of the record."""

from pushlog.models.app import App, EndedMembership, InstallationRole, Membership, Preferences, Role
from pushlog.models.audit import AuditEntry, AuditKind, AuditSeal, Correction
from pushlog.models.counts import CountDelta, HourlyCount, MessageCount
from pushlog.models.credential import CallWindow, Credential, CredentialUsage, Scope
from pushlog.models.maintenance import MaintenanceRun, StatusPass
from pushlog.models.message import LISTED_MODES, WINDOW, Message, Mode, PushType
from pushlog.models.receipt import EarlyReceipt, StatusChange
from pushlog.models.reveal import Reveal
from pushlog.models.task import MessageType, PushTask, TargetKind, TaskCount, TaskSource, TaskState
from pushlog.models.throttle import FailedTry

__all__ = [
    "LISTED_MODES",
    "WINDOW",
    "App",
    "AuditEntry",
    "AuditKind",
    "AuditSeal",
    "CallWindow",
    "Correction",
    "CountDelta",
    "Credential",
    "CredentialUsage",
    "EarlyReceipt",
    "EndedMembership",
    "FailedTry",
    "HourlyCount",
    "InstallationRole",
    "MaintenanceRun",
    "Membership",
    "Message",
    "MessageCount",
    "MessageType",
    "Mode",
    "Preferences",
    "PushTask",
    "PushType",
    "Reveal",
    "Role",
    "Scope",
    "StatusChange",
    "StatusPass",
    "TargetKind",
    "TaskCount",
    "TaskSource",
    "TaskState",
]
