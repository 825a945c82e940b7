"""The process platform: endpoints as plain processes of this machine."""

from fairlead.platforms.process.platform import ProcessPlatform

__all__ = ["ProcessPlatform"]
