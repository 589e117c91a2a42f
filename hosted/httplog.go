package hosted

import (
	"context"
	"log"
	"log/slog"
	"strings"
)

// errorLog is an http.Server's ErrorLog that writes to l. The server has one log for
// what concerns the program and for what strangers on the internet try.
func errorLog(l *slog.Logger) *log.Logger { return log.New(levelled{l}, "", 0) }

type levelled struct{ to *slog.Logger }

func (l levelled) Write(line []byte) (int, error) {
	text := strings.TrimSuffix(string(line), "\n")
	l.to.Log(context.Background(), levelOf(text), text) //nolint:sloglint // the message is that of net/http
	return len(line), nil
}

// levelOf knows the texts of net/http and its HTTP/2.
func levelOf(text string) slog.Level {
	begins := func(prefix string) bool { return strings.HasPrefix(text, prefix) }
	switch {
	case begins("http: panic serving"), begins("http2: panic serving"):
		return slog.LevelError
	case begins("http: Accept error"), // such as too many open files
		begins("http: superfluous response.WriteHeader"),
		begins("http: response.Write"), // or WriteHeader, on a hijacked connection
		begins("http: WriteHeader called"),
		begins("http: invalid Content-Length"):
		return slog.LevelWarn
	default:
		return slog.LevelDebug
	}
}
