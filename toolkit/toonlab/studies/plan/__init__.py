"""What a study will train: experiments, designs, budgets and searches."""
