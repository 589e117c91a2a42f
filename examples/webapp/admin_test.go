package main

import (
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
)

const testToken = "the-token-of-the-tests"

// adminRequest carries a bearer token, a cookie, or nothing.
func adminRequest(method, path, bearer, cookie string) *http.Request {
	r := httptest.NewRequest(method, path, nil)
	if bearer != "" {
		r.Header.Set("Authorization", "Bearer "+bearer)
	}
	if cookie != "" {
		r.AddCookie(&http.Cookie{Name: adminCookie, Value: cookie})
	}
	return r
}

func TestTheAdminPageIsReadOnlyWithoutTheTokenAndHasButtonsWithIt(t *testing.T) {
	s := newSite(t, 10)
	for name, c := range map[string]struct {
		bearer, cookie string
		code           int
		buttons        bool
	}{
		"nothing":              {"", "", 200, false},
		"cookie":               {"", testToken, 200, true},
		"bearer":               {testToken, "", 200, true},
		"cookie of another":    {"", "stale", 200, false},
		"beginning of it":      {"", testToken[:5], 200, false},
		"wrong bearer":         {"wrong", "", 401, false},
		"wrong one of the two": {"wrong", testToken, 401, false},
	} {
		t.Run(name, func(t *testing.T) {
			code, header, body := s.serve(adminRequest(http.MethodGet, "/admin/queues", c.bearer, c.cookie))
			if code != c.code || strings.Contains(body, "<button") != c.buttons {
				t.Errorf("%d, want %d, buttons %v\n%s", code, c.code, c.buttons, body)
			}
			if (header.Get("WWW-Authenticate") != "") != (c.code == http.StatusUnauthorized) {
				t.Errorf("WWW-Authenticate: %q", header.Get("WWW-Authenticate"))
			}
			if strings.Contains(body, testToken) {
				t.Error("the token is on the page")
			}
		})
	}
}

func TestAnActionNeedsTheToken(t *testing.T) {
	for name, c := range map[string]struct {
		bearer, cookie, site string
		code                 int
	}{
		"nothing":                  {"", "", "", 403},
		"cookie":                   {"", testToken, "same-origin", 200},
		"bearer":                   {testToken, "", "", 200},
		"stale cookie":             {"", "stale", "", 403},
		"wrong bearer":             {"wrong", "", "", 401},
		"cookie from another site": {"", testToken, "cross-site", 403},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t, 10)
			r := adminRequest(http.MethodPost, "/admin/actions", c.bearer, c.cookie)
			r.Body = io.NopCloser(strings.NewReader("verb=pause&kind=queue&name=emails"))
			r.Header.Set("Content-Type", form)
			r.Header.Set("Accept", "application/json")
			if c.site != "" {
				r.Header.Set("Sec-Fetch-Site", c.site)
			}
			code, _, answer := s.serve(r)
			if c.code == 200 && !strings.Contains(s.logged.String(), "actor=operator") {
				t.Errorf("the log does not say who did it: %s", s.logged)
			}
			if code != c.code || s.senders.Paused() != (c.code == 200) {
				t.Errorf("%d, want %d, paused %v: %s", code, c.code, s.senders.Paused(), answer)
			}
			if c.site == "" && code >= 400 && !strings.Contains(answer, "link") {
				t.Errorf("it does not say where to find the token: %s", answer)
			}
		})
	}
}

func TestTheLinkIsGoodForACookieThatScriptsAndOtherSitesCannotUse(t *testing.T) {
	s := newSite(t, 10)
	code, header, _ := s.serve(httptest.NewRequest(http.MethodGet, "/admin/?token="+testToken, nil))
	if code != http.StatusSeeOther || header.Get("Location") != "/admin/" || header.Get("Cache-Control") != "no-store" {
		t.Errorf("%d %v", code, header)
	}
	cookie, err := http.ParseSetCookie(header.Get("Set-Cookie"))
	if err != nil {
		t.Fatal(err)
	}
	if !cookie.HttpOnly || cookie.SameSite != http.SameSiteStrictMode || cookie.Path != "/admin/" || cookie.Value != testToken {
		t.Errorf("cookie %v", cookie)
	}
	for _, wrong := range []string{"", "wrong", testToken + "x"} {
		code, header, body := s.serve(httptest.NewRequest(http.MethodGet, "/admin/?token="+wrong, nil))
		if code != http.StatusForbidden || header.Get("Set-Cookie") != "" || !strings.Contains(body, "link") {
			t.Errorf("%q: %d %v %s", wrong, code, header, body)
		}
	}
}

func TestEveryRunMakesUpAnotherTokenUnlessOneIsGiven(t *testing.T) {
	s := newSite(t, 1)
	one, two := newAdmin(s.host, config{}), newAdmin(s.host, config{})
	if one.token == two.token || len(one.token) < 20 || one.is("") {
		t.Errorf("tokens %q and %q", one.token, two.token)
	}
}

func TestTheAdminPageAnswersOnlyToTheNamesOfThisMachineIfItListensThere(t *testing.T) {
	for name, c := range map[string]struct {
		addr, hosts, asked string
		code               int
	}{
		"by address":                       {"127.0.0.1:8080", "", "127.0.0.1:8080", 200},
		"by name":                          {"127.0.0.1:8080", "", "localhost:8080", 200},
		"by a name that was pointed here":  {"127.0.0.1:8080", "", "rebound.example", 421},
		"for everybody":                    {"0.0.0.0:8080", "", "shop.example", 200},
		"behind a proxy on this machine":   {"127.0.0.1:8080", "shop.example", "shop.example", 200},
		"around the proxy on this machine": {"127.0.0.1:8080", "shop.example", "rebound.example", 421},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t, 1)
			s.admin = newAdmin(s.host, config{adminToken: testToken, adminHosts: namesOf(c.addr, c.hosts)})
			for _, cookie := range []string{"", testToken} {
				r := adminRequest(http.MethodGet, "/admin/", "", cookie)
				r.Host = c.asked
				if code, _, _ := s.serve(r); code != c.code {
					t.Errorf("operator %v: %d, want %d", cookie != "", code, c.code)
				}
			}
		})
	}
}

func TestOnlyTheOperatorSeesAddresses(t *testing.T) {
	s := newSite(t, 1)
	if err := s.senders.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := s.queue.Enqueue(t.Context(), welcome{"jane at example.com"}); err != nil {
		t.Fatal(err)
	}
	if err := s.senders.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	const path = "/admin/api/v1/state"
	_, _, visitor := s.serve(adminRequest(http.MethodGet, path, "", ""))
	_, _, operator := s.serve(adminRequest(http.MethodGet, path, testToken, ""))
	if strings.Contains(visitor, "jane") || !strings.Contains(visitor, `"gave_up":1`) || !strings.Contains(operator, `"item":"jane at example.com"`) {
		t.Errorf("visitor: %s\noperator: %s", visitor, operator)
	}
}

func TestProgramPrintsALinkThatOpensTheAdminPageWithButtons(t *testing.T) {
	p := start(t, nil)
	if code, body := p.get("/admin/schedules"); code != http.StatusOK || strings.Contains(body, "<button") {
		t.Errorf("before: %d\n%s", code, body)
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	p.client.Jar = jar
	link := regexp.MustCompile(`/admin/\?token=\S+`).FindString(p.Output())
	if code, body := p.get(link); code != http.StatusOK || !strings.Contains(body, "<nav") {
		t.Errorf("the link %q: %d\n%s", link, code, body)
	}
	if code, body := p.get("/admin/schedules"); code != http.StatusOK || !strings.Contains(body, "<button") {
		t.Errorf("after: %d\n%s", code, body)
	}
	before := p.state()
	resp, err := p.client.PostForm(p.admin+"/admin/actions", url.Values{"verb": {"trigger"}, "kind": {"schedule"}, "name": {"clean-up"}})
	if err != nil {
		t.Fatal(err)
	}
	if code, body := read(t, resp); code != http.StatusOK {
		t.Errorf("trigger: %d\n%s", code, body)
	}
	p.Eventually("the job has run", func() bool { return schedule(p.state(), "clean-up").Last != nil })
	if schedule(before, "clean-up").Last != nil {
		t.Error("it ran before it was asked to")
	}
	if code := p.Stop(); code != 0 {
		t.Errorf("exit code %d", code)
	}
}

func TestProgramDoesNotPrintATokenThatItWasGiven(t *testing.T) {
	p := start(t, []string{"WEBAPP_ADMIN_TOKEN=" + testToken})
	if code, _ := p.get("/admin/?token=" + testToken); code != http.StatusOK {
		t.Errorf("%d", code)
	}
	if code := p.Stop(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	if all := p.Output(); strings.Contains(all, testToken) {
		t.Errorf("the token is in %s", all)
	}
}
