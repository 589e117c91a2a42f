package postgres

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// Option is a wish about a store, see [Open] and [Wrap].
type Option interface{ apply(*backend) error }

// Schema sets the schema that has the tables of the jobs, all of them and nothing else.
// [durable.Migrate] creates the schema if there is none. Jobs in two schemas of one database
// know nothing of each other. Statements name the schema, so the search_path of the
// connections, of a transaction of the program, and a pooler do not matter.
//
// A name has letters, digits and underlines, does not begin with a digit or with pg_, and
// has at most 46 bytes. Upper and lower case differ. If empty, or without this option,
// the tables are in the first schema of the search_path.
func Schema(name string) Option { return schema(name) }

type schema string

// maxSchema leaves room for a dot and for the longest topic of the engine among the 63
// bytes that PostgreSQL has for a topic.
const maxSchema = 46

var schemaName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

func (s schema) apply(b *backend) error {
	switch name := string(s); {
	case name == "":
	case len(name) > maxSchema:
		return fmt.Errorf("the name of the Schema has more than %d bytes: %.60q", maxSchema, name)
	case !schemaName.MatchString(name):
		return fmt.Errorf("the name of the Schema is not of letters, digits and underlines, or begins with a digit: %q", name)
	case strings.HasPrefix(name, "pg_") || name == "information_schema":
		return fmt.Errorf("the Schema is one of PostgreSQL's own: %q", name)
	}
	b.pool.schema = string(s)
	return nil
}

func (s *backend) with(opts []Option) error {
	for _, o := range opts {
		if o == nil {
			return errors.New("an option is nil")
		}
		if err := o.apply(s); err != nil {
			return err
		}
	}
	return nil
}

// Schema returns the name of the schema, or what is wrong with the options of [Wrap].
func (s *backend) Schema() (string, error) { return s.pool.schema, s.bad }
