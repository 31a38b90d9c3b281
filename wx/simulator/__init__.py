"""A simulated WeChat: the platform with its rules, its HTTP face, and phones to use it with.

The same code serves the tests and the demo. It shares nothing with the code that it checks but the account's settings.
"""

from wx.simulator.callback import Exchange, Patience
from wx.simulator.phone import NoSuchButton, NotFollowing, Phone
from wx.simulator.platform import Platform, Results
from wx.simulator.server import PlatformServer
from wx.simulator.world import Entry, Sent, WeChatLimits

__all__ = [
    "Entry",
    "Exchange",
    "NoSuchButton",
    "NotFollowing",
    "Patience",
    "Phone",
    "Platform",
    "PlatformServer",
    "Results",
    "Sent",
    "WeChatLimits",
]
