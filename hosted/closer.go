package hosted

import (
	"context"
	"errors"
	"io"
)

// Closer makes a Service of something that is open already, such as a database:
// it is closed at its turn in the stop. Add it before those that use it, so that
// it is closed after them. Deferred calls of func main do not run after [Main].
func Closer(c io.Closer) Service { return closer{c} }

type closer struct{ io.Closer }

func (c closer) Start(context.Context) error {
	if c.Closer == nil {
		return errors.New("stead/hosted: closer: there is nothing to close")
	}
	return nil
}

func (c closer) Stop(context.Context) error { return c.Close() }
