package hosted_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/steadgo/stead/hosted"
)

func TestTLSServesWithTheCertificatesOfTheServersConfig(t *testing.T) {
	pattern := httptest.NewTLSServer(http.NotFoundHandler()) // for its certificate
	defer pattern.Close()
	web := hosted.TLS(hosted.HTTP(&http.Server{Addr: anyPort, TLSConfig: pattern.TLS.Clone(), Handler: http.HandlerFunc(
		func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, r.TLS != nil) })}))
	h := hosted.New(hosted.Config{})
	h.Add("web", web)
	starts(t, h)
	resp, err := pattern.Client().Get("https://" + web.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	body, _ := io.ReadAll(resp.Body)
	_ = resp.Body.Close()
	if string(body) != "true" {
		t.Errorf("got %q", body)
	}
	pattern.Client().CloseIdleConnections()
	stops(t, h)
}

func TestCertificatesAndTLSComeTogether(t *testing.T) {
	pattern := httptest.NewTLSServer(http.NotFoundHandler())
	defer pattern.Close()
	for name, web := range map[string]*hosted.HTTPService{
		"certificates alone": hosted.HTTP(&http.Server{Addr: anyPort, TLSConfig: pattern.TLS.Clone()}),
		"TLS alone":          hosted.TLS(hosted.HTTP(&http.Server{Addr: anyPort})),
	} {
		if err := web.Start(t.Context()); err == nil || !strings.Contains(err.Error(), "certificates") {
			t.Errorf("%s: %v", name, err)
			_ = web.Stop(t.Context())
		}
	}
}
