package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"golang.org/x/time/rate"

	"github.com/steadgo/stead/channelq"
	"github.com/steadgo/stead/periodic"
)

const example = `{"packers": 2, "files_per_second": 0, "scan_seconds": 1}`

// values is what the settings file may hold; what it leaves out has its default.
type values struct {
	Packers        int     `json:"packers"`
	FilesPerSecond float64 `json:"files_per_second"` // if zero, there is no limit
	ScanSeconds    float64 `json:"scan_seconds"`
}

var defaults = values{Packers: 2, ScanSeconds: 1}

func (v values) every() time.Duration { return time.Duration(v.ScanSeconds * float64(time.Second)) }

// settings is a service that does no work of its own. It is one for the sake of
// its place in the start and of its Reload, which the host calls on SIGHUP.
type settings struct {
	file    string
	packers *channelq.Workers[string]
	scan    *periodic.Job
	log     *slog.Logger
}

// Start reads the settings for the first time: an error keeps the program from
// starting.
func (s *settings) Start(ctx context.Context) error { return s.Reload(ctx) }

// Stop has nothing to do.
func (s *settings) Stop(context.Context) error { return nil }

// Reload takes up a changed file. All of it is checked before any of it is used:
// a file with a mistake is logged by the host, and the old settings go on.
func (s *settings) Reload(context.Context) error {
	v, err := readValues(s.file)
	if err != nil {
		return err
	}
	s.log.Info("settings in use", "packers", v.Packers, "files_per_second", v.FilesPerSecond, "scan_seconds", v.ScanSeconds)
	return errors.Join(
		s.packers.Resize(v.Packers),
		s.packers.RateLimit(rate.Limit(v.FilesPerSecond), 1),
		s.scan.SetSchedule(periodic.Every(v.every())),
	)
}

func readValues(file string) (values, error) {
	v := defaults
	if file == "" {
		return v, nil
	}
	text, err := os.ReadFile(file) //nolint:gosec // the file that the operator named
	if err != nil {
		return v, err
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields() // a misspelt name would be a setting that does nothing
	if err := decoder.Decode(&v); err != nil {
		return v, fmt.Errorf("%s: %w", file, err)
	}
	switch {
	case v.Packers < 1 || v.Packers > 1000:
		return v, fmt.Errorf("%s: packers is not from 1 to 1000: %d", file, v.Packers)
	case v.FilesPerSecond < 0:
		return v, fmt.Errorf("%s: files_per_second is negative: %v", file, v.FilesPerSecond)
	case v.ScanSeconds < 0.01 || v.ScanSeconds > 3600:
		return v, fmt.Errorf("%s: scan_seconds is not from 0.01 to 3600: %v", file, v.ScanSeconds)
	}
	return v, nil
}
