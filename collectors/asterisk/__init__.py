"""Asterisk's queues, watched through the Asterisk Manager Interface (AMI)."""
