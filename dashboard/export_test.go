package dashboard

// RuleInWords is for a table of rules.
func RuleInWords(rule string) string { return new(view).RuleInWords(rule) }
