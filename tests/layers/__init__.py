"""Random layers on the RTL by the hundred thousand: every byte, every counter."""
