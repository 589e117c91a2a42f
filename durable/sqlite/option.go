package sqlite

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Option is a wish about a file, see [Open].
type Option interface{ apply(*options) error }

type options struct{ pragmas []pragma }

type pragma struct{ name, value string }

func (p pragma) apply(o *options) error {
	switch name := strings.ToLower(p.name); {
	case !regexp.MustCompile(`^[A-Za-z_]+$`).MatchString(p.name):
		return fmt.Errorf("the name of a pragma is not of letters and underlines: %q", p.name)
	case !regexp.MustCompile(`^[A-Za-z0-9_-]+$`).MatchString(p.value):
		return fmt.Errorf("the value of the pragma %s is not of letters, digits, underlines and minus: %q", p.name, p.value)
	case slices.Contains([]string{"journal_mode", "synchronous", "busy_timeout", "locking_mode"}, name):
		return fmt.Errorf("the pragma %s is set by the store", p.name)
	}
	o.pragmas = append(o.pragmas, p)
	return nil
}

// Pragma sets a pragma of SQLite for the connection of the store, such as
// Pragma("foreign_keys", "on") for tables of the program's own. It is set whenever the
// connection is opened. Open returns an error for a pragma that SQLite does not know,
// which SQLite itself ignores, and for a pragma that the store needs as it is.
func Pragma(name, value string) Option { return pragma{name, value} }

func collect(opts []Option) (o options, err error) {
	for _, opt := range opts {
		if opt == nil {
			return o, errors.New("an option is nil")
		}
		if err := opt.apply(&o); err != nil {
			return o, err
		}
	}
	return o, nil
}
