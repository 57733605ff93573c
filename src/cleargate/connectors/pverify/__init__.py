"""pVerify's eligibility summaries: asked in JSON, at once or, by telephone, hours later."""
