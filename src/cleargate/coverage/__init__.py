"""What a payer's answer means: origins give benefit rows, the rest turns rows into verdicts."""
