"""The tables of the record."""

from pushlog.models.app import App, Membership
from pushlog.models.credential import Credential
from pushlog.models.message import LISTED_MODES, WINDOW, Message, Mode, PushType
from pushlog.models.receipt import KeptReceipt, StatusChange

__all__ = [
    "LISTED_MODES",
    "WINDOW",
    "App",
    "Credential",
    "KeptReceipt",
    "Membership",
    "Message",
    "Mode",
    "PushType",
    "StatusChange",
]
