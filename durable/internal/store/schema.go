package store

import "regexp"

// named are the tables, types and functions of durable and of its engine in a statement,
// and, to be passed over, what is in quotes or has a qualifier already.
var named = regexp.MustCompile(`'[^']*'|"[^"]*"|\.?\b(?:river|stead)_\w+`)

// Qualify returns a statement that finds its tables in the schema, whatever the
// search_path of the connection or of a program's transaction is. The names of what a
// statement creates must not be qualified: see Prepare of durable/postgres. With an empty
// schema it returns the statement as it is.
func Qualify(schema, statement string) string {
	if schema == "" {
		return statement
	}
	return named.ReplaceAllStringFunc(statement, func(name string) string {
		switch name[0] {
		case '\'', '"', '.':
			return name
		}
		return `"` + schema + `".` + name
	})
}
