package main

import (
	"context"
	"errors"
	"io"
	"strings"

	"github.com/steadgo/stead/leader"
	"github.com/steadgo/stead/leader/postgres"
	"github.com/steadgo/stead/leader/redis"
)

// store is a leader.Store that is to be closed, and may have something to do before its first use.
type store struct {
	leader.Store
	io.Closer

	prepare func(ctx context.Context) error
}

func open(url string) (store, error) {
	nothing := func(context.Context) error { return nil }
	switch scheme, _, _ := strings.Cut(url, ":"); scheme {
	case "redis", "rediss":
		s, err := redis.Open(url)
		return store{s, s, nothing}, err
	case "postgres", "postgresql":
		s, err := postgres.Open(context.Background(), url)
		if err != nil {
			return store{}, err
		}
		return store{s, s, s.Migrate}, nil
	default:
		return store{}, errors.New("-store needs a URL that begins with redis:// or postgres://")
	}
}
