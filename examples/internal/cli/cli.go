// Package cli is what the examples have in common and what none of them is about:
// flags that refuse a wrong value, with exit code 2, a log, and the lines that say
// what to try.
package cli

import (
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net"
	"os"
	"strconv"
	"syscall"
	"time"

	"github.com/steadgo/stead/hosted"
)

// Duration adds a flag for a time of at least least.
func Duration(flags *flag.FlagSet, p *time.Duration, name string, value, least time.Duration, usage string) {
	checked(flags, p, name, value, usage, time.ParseDuration, func(d time.Duration) error {
		if d < least {
			return fmt.Errorf("it is at least %v", least)
		}
		return nil
	})
}

// Int adds a flag for a number from least to most.
func Int(flags *flag.FlagSet, p *int, name string, value, least, most int, usage string) {
	checked(flags, p, name, value, usage, strconv.Atoi, func(n int) error {
		if n < least || n > most {
			return fmt.Errorf("it is from %d to %d", least, most)
		}
		return nil
	})
}

// Addr adds a flag for an address to listen on.
func Addr(flags *flag.FlagSet, p *string, name, value, usage string) {
	read := func(text string) (string, error) { return text, nil }
	checked(flags, p, name, value, usage, read, func(text string) error {
		if _, _, err := net.SplitHostPort(text); err != nil {
			return errors.New("it is host:port, such as 127.0.0.1:8080 or :8080")
		}
		return nil
	})
}

// checked is a value that package flag reports as it does those of its own types.
func checked[T any](flags *flag.FlagSet, p *T, name string, value T, usage string, read func(string) (T, error), check func(T) error) {
	*p = value
	flags.Var(&variable[T]{p, read, check}, name, usage)
}

type variable[T any] struct {
	p     *T
	read  func(string) (T, error)
	check func(T) error
}

// String returns the value as text. Package flag calls it on a zero variable too.
func (v *variable[T]) String() string {
	if v.p == nil {
		return ""
	}
	return fmt.Sprint(*v.p)
}

func (v *variable[T]) Set(text string) error {
	value, err := v.read(text)
	if err != nil {
		return errors.New("it is not understood")
	}
	if err := v.check(value); err != nil {
		return err
	}
	*v.p = value
	return nil
}

// Parse reads the command line and ends the program if it is wrong: with 2, or with
// 0 after -help. Nothing may come after the flags. What depends on several of them
// is for check, which may be nil.
func Parse(flags *flag.FlagSet, args []string, check func() error) {
	flags.Init(flags.Name(), flag.ExitOnError)
	_ = flags.Parse(args)
	var err error
	if flags.NArg() > 0 {
		err = fmt.Errorf("unknown argument %q", flags.Arg(0))
	} else if check != nil {
		err = check()
	}
	if err != nil {
		fmt.Fprintf(flags.Output(), "%s: %v\n", flags.Name(), err)
		flags.Usage()
		os.Exit(2)
	}
}

// IsFolder checks, for Parse, that the flag's value is an existing folder.
func IsFolder(name, path string) error {
	info, err := os.Stat(path)
	if err == nil && !info.IsDir() {
		err = fmt.Errorf("%s is not a folder", path)
	}
	if err != nil {
		return fmt.Errorf("-%s: %w", name, err)
	}
	return nil
}

// Log returns a log for people on standard error.
func Log(least slog.Level) *slog.Logger {
	return slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: least}))
}

// Hello prints what there is to try once the host has started: before that nobody
// answers, and a port that was left to the system is not known.
func Hello(host *hosted.Host, text func() string) {
	go func() {
		<-host.Lifetime().Started()
		fmt.Print(text())
	}()
}

// Exec calls hosted.Exec for a program that listens where a flag says. If another
// program listens there already, it names the flag.
func Exec(host *hosted.Host, flag string) int {
	code := hosted.Exec(host)
	if errors.Is(host.Report().Err, syscall.EADDRINUSE) {
		fmt.Fprintf(os.Stderr, "that address is in use: -%s takes another one, with port 0 a free one\n", flag)
	}
	return code
}

// Must panics on an error, which only a mistake in the program can cause.
func Must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
