"""What everything else stands on; nothing here knows of ReCon."""
