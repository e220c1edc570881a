"""Amazon Connect, asked through boto3."""
