package main

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"testing"

	"go.uber.org/fx"

	"github.com/steadgo/stead/examples/internal/program"
	"github.com/steadgo/stead/hosted"
)

func TestMain(m *testing.M) { program.Main(m, main) }

func TestProgramSendsWhatIsQueuedWhoeverPutItTogether(t *testing.T) {
	for _, with := range []string{"fx", "wire"} {
		t.Run(with, func(t *testing.T) {
			p := program.Command{Args: []string{"-addr", "127.0.0.1:0", "-with", with}}.Start(t)
			address := p.WaitFor(`service=site address=(\S+)`)[1]
			p.WaitFor("host started")
			resp, err := http.PostForm("http://"+address, url.Values{"email": {"ada"}})
			if err != nil {
				t.Fatal(err)
			}
			http.DefaultClient.CloseIdleConnections()
			if _ = resp.Body.Close(); resp.StatusCode != http.StatusOK {
				t.Errorf("signing up: %s", resp.Status)
			}
			if code := p.Stop(); code != 0 {
				t.Errorf("exit code %d", code)
			}
			p.WaitFor("welcome, ada")
		})
	}
}

func TestAServiceThatFailsEndsFxWithItsError(t *testing.T) {
	host, fail, bad := hosted.New(hosted.Config{}), make(chan struct{}), errors.New("bad")
	host.Go("bad", func(context.Context) error {
		<-fail
		return bad
	})
	app := fx.New(fx.NopLogger, fx.Supply(host), fx.Invoke(start))
	if err := app.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	told := app.Wait()
	close(fail)
	<-told
	if err := app.Stop(t.Context()); !errors.Is(err, bad) {
		t.Errorf("fx stopped with %v", err)
	}
}
