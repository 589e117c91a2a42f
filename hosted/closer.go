package hosted

import (
	"context"
	"errors"
	"io"

	"github.com/steadgo/stead/internal/nils"
)

// Closer creates a Service from something that is already open, such as a database. Its
// Stop closes c. Add it before the services that use c, so that it is closed after they
// have stopped. It replaces a deferred Close in func main, which does not run after
// [Main].
// If c is nil, Start returns an error.
func Closer(c io.Closer) Service {
	if nils.Is(c) {
		c = nil
	}
	return closer{c}
}

type closer struct{ io.Closer }

func (c closer) Start(context.Context) error {
	if c.Closer == nil {
		return errors.New("stead/hosted: closer: there is nothing to close")
	}
	return nil
}

func (c closer) Stop(context.Context) error {
	if c.Closer == nil {
		return nil
	}
	return c.Close()
}
