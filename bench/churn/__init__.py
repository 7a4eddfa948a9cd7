"""How often does the churn watch cry wolf in a year, and how soon does it see a real drop? Simulated traffic."""
