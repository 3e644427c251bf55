"""Tables and pages of what runs found."""
