package hosted

import (
	"net"
	"reflect"

	"github.com/steadgo/stead/internal/guard"
)

// foreign makes a listener of the user safe to serve on: a panic of its Accept
// is an error, and connections can be told apart. Those of the standard library stay
// what they are, as a BaseContext may look at them.
func foreign(l net.Listener) net.Listener {
	switch l.(type) {
	case *net.TCPListener, *net.UnixListener:
		return l
	default:
		return guarded{l}
	}
}

type guarded struct{ net.Listener }

func (g guarded) Accept() (c net.Conn, err error) {
	err = guard.Call(func() (err error) {
		c, err = g.Listener.Accept()
		return err
	})
	if err == nil && !reflect.ValueOf(c).Comparable() {
		c = &comparable{c}
	}
	return c, err
}

// comparable is a connection that can be a key.
type comparable struct{ net.Conn }
