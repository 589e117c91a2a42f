package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"time"
)

// send calls the API of a mail provider. ctx is canceled when the stop cannot wait any
// longer: the mail is then a leftover.
func (s *shop) send(ctx context.Context, to string) error {
	if api := os.Getenv("MAIL_API"); api != "" {
		if err := post(ctx, api, to); err != nil {
			return err
		}
	} else {
		fmt.Println("welcome,", to)
	}
	_, err := s.db.ExecContext(ctx, "INSERT INTO sent VALUES (?, unixepoch())", to)
	return err
}

// followRates asks a peer that comes and goes. Its error restarts it, after a growing
// delay.
func followRates(ctx context.Context) error {
	for {
		if err := post(ctx, cmp.Or(os.Getenv("RATES_API"), "http://127.0.0.1:9"), "EUR"); err != nil {
			return fmt.Errorf("rates: %w", err)
		}
		select {
		case <-time.After(time.Minute):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func post(ctx context.Context, url, text string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, strings.NewReader(text)) //nolint:gosec // the operator sets it
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req) //nolint:gosec // as above
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode >= http.StatusMultipleChoices {
		return errors.New(resp.Status)
	}
	return nil
}
