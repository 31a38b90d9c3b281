"""A simulated WeChat: the platform with its rules, its HTTP face, and phones to use it with.

The same code serves the tests and the demo. It shares nothing with the code that it checks but the account's settings.
"""

from wx.simulator.callback import Outcome, Patience
from wx.simulator.phone import NoSuchButton, NotFollowing, Phone
from wx.simulator.platform import Platform, Results
from wx.simulator.server import PlatformServer
from wx.simulator.world import Entry, Limits, Sent

__all__ = [
    "Entry",
    "Limits",
    "NoSuchButton",
    "NotFollowing",
    "Outcome",
    "Patience",
    "Phone",
    "Platform",
    "PlatformServer",
    "Results",
    "Sent",
]
