package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/steadgo/stead/channelq"
)

// transfer writes jobs as lines of JSON, or reads such lines, and says how many.
func transfer(ctx context.Context, cfg config, jobs interface {
	Export(ctx context.Context, w io.Writer, queue string, f channelq.JobFilter) (int, error)
	Import(ctx context.Context, r io.Reader, skip int) (int, error)
},
) error {
	if cfg.transfer == "import" {
		n, err := jobs.Import(ctx, cfg.in, cfg.skip)
		fmt.Fprintf(os.Stderr, "%d lines are in\n", n)
		if err != nil {
			return fmt.Errorf("go on with -skip %d: %w", n, err)
		}
		return nil
	}
	n, err := jobs.Export(ctx, cfg.out, "emails", channelq.JobFilter{States: strings.Split(cfg.states, ",")})
	fmt.Fprintf(os.Stderr, "%d jobs written\n", n)
	return err
}
