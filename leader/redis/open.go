package redis

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

// Open creates a store with a client for a URL such as
// redis://user:password@host:6379/0. The scheme rediss is TLS, unix a socket. Open
// does not connect, so an unreachable server is not an error. The caller must close
// the store.
//
// Open returns an error without the password if the URL is invalid. The client
// writes nothing to stderr while its server is unreachable; the store returns such
// errors.
func Open(rawURL string) (*Store, error) {
	opts, err := parse(rawURL)
	if err != nil {
		return nil, fmt.Errorf("stead/leader/redis: open %q: %w", withoutPassword(rawURL), err)
	}
	opts.ContextTimeoutEnabled = true
	opts.DialTimeout = cmp.Or(opts.DialTimeout, 5*time.Second) // a dial with TLS looks at nothing else
	opts.Dialer = quiet(redis.NewDialer(opts))
	client := redis.NewClient(opts)
	return &Store{client, client.Close}, nil
}

func parse(rawURL string) (*redis.Options, error) {
	if !strings.Contains(rawURL, "://") { // host:port, as most other clients accept it
		return nil, errors.New("the URL has no scheme: want redis://host:port, rediss://host:port or unix:///path")
	}
	if _, err := url.Parse(rawURL); err != nil {
		var where *url.Error
		if errors.As(err, &where) { // its text contains the whole URL
			err = where.Err
		}
		return nil, err
	}
	return redis.ParseURL(rawURL)
}

// withoutPassword also works for an invalid URL, because then it is needed.
func withoutPassword(rawURL string) string {
	scheme, rest, found := strings.Cut(rawURL, "://")
	if !found {
		scheme, rest = "", rawURL
	} else {
		scheme += "://"
	}
	if i := strings.LastIndex(rest, "@"); i >= 0 {
		rest = "***" + rest[i:]
	}
	return scheme + rest
}

// quiet returns a dial function that always succeeds. After a failure it returns a
// connection whose every use returns the error. The client reports a failed dial to
// its logger too, which is stderr unless the program set another one for all of its
// clients. It does so at every attempt, so an elector would fill a log with what it
// reports itself. The error reaches the caller nevertheless.
func quiet(dial func(ctx context.Context, network, addr string) (net.Conn, error)) func(ctx context.Context, network, addr string) (net.Conn, error) {
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := dial(ctx, network, addr)
		if err != nil {
			// Joined, because the client unwraps the error of a new connection once,
			// which would remove the layer with the address.
			return &unconnected{errors.Join(err)}, nil
		}
		return conn, nil
	}
}

// unconnected is a connection whose dial failed. The client closes it at the first
// error, like any broken connection.
type unconnected struct{ err error }

func (c *unconnected) Read([]byte) (int, error)         { return 0, c.err }
func (c *unconnected) Write([]byte) (int, error)        { return 0, c.err }
func (c *unconnected) Close() error                     { return nil }
func (c *unconnected) LocalAddr() net.Addr              { return &net.TCPAddr{} }
func (c *unconnected) RemoteAddr() net.Addr             { return &net.TCPAddr{} }
func (c *unconnected) SetDeadline(time.Time) error      { return nil }
func (c *unconnected) SetReadDeadline(time.Time) error  { return nil }
func (c *unconnected) SetWriteDeadline(time.Time) error { return nil }
