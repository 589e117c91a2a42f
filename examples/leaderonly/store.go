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

// store is a leader.Store that may have something to do before its first use.
type store struct {
	leader.Store
	prepare func(ctx context.Context) error
}

func open(url string) (store, io.Closer, error) {
	nothing := func(context.Context) error { return nil }
	switch scheme, _, _ := strings.Cut(url, ":"); scheme {
	case "redis", "rediss":
		s, err := redis.Open(url)
		return store{s, nothing}, s, err
	case "postgres", "postgresql":
		s, err := postgres.Open(context.Background(), url)
		if err != nil {
			return store{}, nil, err
		}
		return store{s, s.Migrate}, s, nil
	default:
		return store{}, nil, errors.New("-store needs a URL that begins with redis:// or postgres://")
	}
}
