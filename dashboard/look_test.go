package dashboard_test

import (
	"fmt"
	"math"
	"net/http/httptest"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/steadgo/stead/dashboard"
)

// tags of one page, in order: name, attributes.
var tag = regexp.MustCompile(`<(/?)([a-z0-9]+)((?:\s[^<>]*)?)>`)

func attr(attributes, name string) (string, bool) {
	m := regexp.MustCompile(`\s` + name + `="([^"]*)"`).FindStringSubmatch(attributes)
	if m == nil {
		return "", false
	}
	return m[1], true
}

// lookAt calls check with every page of a shop in which something happens.
func lookAt(t *testing.T, check func(t *testing.T, page, html string)) {
	t.Helper()
	inBubble(t, func(t *testing.T, s *shop) {
		s.start(t)
		s.failForGood(t, 1, "broken")
		_ = s.job.Trigger()
		d := dashboard.New(s.host, dashboard.Config{Authorize: allow})
		d.State()
		check(t, "an item", get(t, d, "/item?name=failure/1/mailer/emails").Body.String())
		everyPage(t, d, func(page string, w *httptest.ResponseRecorder) { check(t, page, w.Body.String()) })
	})
}

func TestPagesHaveTheRolesThatScreenReadersNeed(t *testing.T) {
	lookAt(t, func(t *testing.T, page, html string) {
		for what, want := range map[string]int{"<h1": 1, "<main": 1, "<header": 1, "<nav aria-label=": 1, `<html lang="en"`: 1, `class="skip" href="#main"`: 1, `aria-current="page"`: 1, `aria-live="polite"`: 1} {
			if n := strings.Count(html, what); n != want {
				t.Errorf("%s has %q %d times, want %d", page, what, n, want)
			}
		}
		ids := map[string]bool{}
		for _, m := range tag.FindAllStringSubmatch(html, -1) {
			closing, name, attributes := m[1] != "", m[2], m[3]
			if closing {
				continue
			}
			if id, ok := attr(attributes, "id"); ok {
				if ids[id] {
					t.Errorf("%s has the id %q twice", page, id)
				}
				ids[id] = true
			}
			role, _ := attr(attributes, "role")
			label, _ := attr(attributes, "aria-label")
			switch name {
			case "svg":
				if role != "img" || label == "" {
					t.Errorf("%s has a picture without words: %s", page, m[0])
				}
			case "th":
				if scope, _ := attr(attributes, "scope"); scope == "" {
					t.Errorf("%s has a heading of a table without a scope: %s", page, m[0])
				}
			case "table", "tr", "td":
				// Styled as blocks on a phone they would lose what they are.
				if role == "" {
					t.Errorf("%s has a %s without a role", page, name)
				}
			case "section":
				if by, _ := attr(attributes, "aria-labelledby"); label == "" && by == "" {
					t.Errorf("%s has a section without a name: %s", page, m[0])
				} else if by != "" && !strings.Contains(html, `id="`+by+`"`) {
					t.Errorf("%s: %q names nothing", page, by)
				}
			}
			if class, _ := attr(attributes, "class"); strings.HasPrefix(class, "shape") {
				if hidden, _ := attr(attributes, "aria-hidden"); hidden != "true" && !strings.Contains(html, `class="dots" role="img"`) {
					t.Errorf("%s has a shape that is read aloud: %s", page, m[0])
				}
			}
		}
	})
}

// TestStateIsNeverColourAlone: every badge has a word, every problem its severity.
func TestStateIsNeverColourAlone(t *testing.T) {
	badge := regexp.MustCompile(`<span class="badge [a-z]*">(?:<span class="shape[^>]*></span>)?([^<]*)<`)
	lookAt(t, func(t *testing.T, page, html string) {
		for _, m := range badge.FindAllStringSubmatch(html, -1) {
			if strings.TrimSpace(m[1]) == "" {
				t.Errorf("%s has a badge without a word: %s", page, m[0])
			}
		}
		for _, p := range strings.Split(html, `<li class="problem`)[1:] {
			if !strings.Contains(p, `<span class="sr">failed: `) && !strings.Contains(p, `<span class="sr">warning: `) && !strings.Contains(p, `<span class="sr">notice: `) {
				t.Errorf("%s has a problem whose severity is not said", page)
			}
		}
	})
}

func TestTagsAreBalanced(t *testing.T) {
	empty := map[string]bool{"meta": true, "link": true, "input": true, "path": true, "rect": true}
	lookAt(t, func(t *testing.T, page, html string) {
		var open []string
		for _, m := range tag.FindAllStringSubmatch(html, -1) {
			name := m[2]
			switch {
			case empty[name] || strings.HasSuffix(m[3], "/"):
			case m[1] == "":
				open = append(open, name)
			case len(open) == 0 || open[len(open)-1] != name:
				t.Fatalf("%s: </%s> closes %v", page, name, open)
			default:
				open = open[:len(open)-1]
			}
		}
		if len(open) > 0 {
			t.Errorf("%s leaves open: %v", page, open)
		}
	})
}

// colours are the variables of the style sheet, for light and for dark.
func colours(t *testing.T) (light, dark map[string]string) {
	t.Helper()
	css := get(t, dashboard.New(newShop(t).host, dashboard.Config{}), "/assets/stead.css").Body.String()
	first, second, ok := strings.Cut(css, "@media (prefers-color-scheme: dark)")
	if !ok {
		t.Fatal("the style sheet has no dark colours")
	}
	read := func(part string) map[string]string {
		all := map[string]string{}
		part, _, _ = strings.Cut(part, "}")
		for _, m := range regexp.MustCompile(`--([a-z-]+): (#[0-9a-f]{6});`).FindAllStringSubmatch(part, -1) {
			all[m[1]] = m[2]
		}
		return all
	}
	return read(first), read(second)
}

// contrast is that of WCAG 2.2: https://www.w3.org/TR/WCAG22/#dfn-contrast-ratio.
func contrast(t *testing.T, a, b string) float64 {
	t.Helper()
	la, lb := luminance(t, a), luminance(t, b)
	return (max(la, lb) + 0.05) / (min(la, lb) + 0.05)
}

func luminance(t *testing.T, colour string) float64 {
	t.Helper()
	sum := 0.0
	for i, weight := range []float64{0.2126, 0.7152, 0.0722} {
		n, err := strconv.ParseUint(colour[1+2*i:3+2*i], 16, 8)
		if err != nil {
			t.Fatal(err)
		}
		c := float64(n) / 255
		if c <= 0.04045 {
			c /= 12.92
		} else {
			c = math.Pow((c+0.055)/1.055, 2.4)
		}
		sum += weight * c
	}
	return sum
}

func TestContrastIsEnoughInLightAndDark(t *testing.T) {
	// Text on what it stands on; 4.5 to 1 is level AA for small text.
	text := map[string][]string{
		"text":    {"bg", "surface", "button", "ok-soft", "notice-soft", "warning-soft", "failed-soft"},
		"muted":   {"bg", "surface", "button", "ok-soft"},
		"link":    {"bg", "surface", "ok-soft", "notice-soft", "warning-soft", "failed-soft"},
		"ok":      {"surface", "ok-soft"},
		"notice":  {"surface", "notice-soft"},
		"warning": {"surface", "warning-soft"},
		"failed":  {"bg", "surface", "failed-soft", "button"},
		"surface": {"text"}, // the message at the bottom
	}
	// Curves need 3 to 1.
	lines := map[string][]string{"c-depth": {"surface"}, "c-in": {"surface"}, "c-out": {"surface"}, "c-failed": {"surface"}, "c-oldest": {"surface"}}
	light, dark := colours(t)
	for scheme, c := range map[string]map[string]string{"light": light, "dark": dark} {
		check := func(pairs map[string][]string, least float64) {
			for fore, backs := range pairs {
				for _, back := range backs {
					if c[fore] == "" || c[back] == "" {
						t.Errorf("%s has no colour %q or %q", scheme, fore, back)
					} else if got := contrast(t, c[fore], c[back]); got < least {
						t.Errorf("%s: %s on %s has a contrast of %.2f, want %v", scheme, fore, back, got, least)
					}
				}
			}
		}
		check(text, 4.5)
		check(lines, 3)
	}
	if got := fmt.Sprintf("%.0f", contrast(t, "#000000", "#ffffff")); got != "21" {
		t.Errorf("black on white has %s, so this test is wrong", got)
	}
}
