"""What every slice shares: ids and slots, money, messages, transition tables, the policy a decision is made under."""
