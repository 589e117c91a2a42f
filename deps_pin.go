package stead

import (
	_ "github.com/anishathalye/porcupine"
	_ "github.com/benbjohnson/clock"
	_ "github.com/netresearch/go-cron"
	_ "github.com/prometheus/client_golang/prometheus"
	_ "golang.org/x/sync/errgroup"
	_ "golang.org/x/time/rate"
)
