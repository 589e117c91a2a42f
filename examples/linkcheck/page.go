package main

import (
	"context"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"

	"golang.org/x/net/html"

	"github.com/steadgo/stead/channelq"
)

// get asks for a link and returns the links on the page, if it is one to read. A
// refusal is permanent. A failure that may pass, such as a timeout or an overloaded
// server, is worth another attempt.
func get(ctx context.Context, client *http.Client, l link) ([]string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, l.address, nil)
	if err != nil {
		return nil, channelq.Permanent(err)
	}
	req.Header.Set("User-Agent", "linkcheck (an example of github.com/steadgo/stead)")
	resp, err := client.Do(req)
	if err != nil {
		var outer *url.Error // repeats the address
		if errors.As(err, &outer) {
			err = outer.Err
		}
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	switch {
	case resp.StatusCode == http.StatusTooManyRequests, resp.StatusCode >= http.StatusInternalServerError:
		return nil, errors.New(resp.Status)
	case resp.StatusCode >= http.StatusBadRequest:
		return nil, channelq.Permanent(errors.New(resp.Status))
	}
	kind, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	if !l.read || kind != "text/html" || resp.Request.URL.Host != req.URL.Host {
		return nil, nil // not a page, or a redirect has led elsewhere
	}
	return links(resp.Request.URL, io.LimitReader(resp.Body, 4<<20))
}

// links are the addresses that a page refers to, in order, with http or https.
func links(base *url.URL, page io.Reader) ([]string, error) {
	var all []string
	for tokens := html.NewTokenizer(page); ; {
		switch tokens.Next() {
		case html.ErrorToken:
			if err := tokens.Err(); !errors.Is(err, io.EOF) {
				return nil, err
			}
			return all, nil
		case html.StartTagToken, html.SelfClosingTagToken:
			tag := tokens.Token()
			for _, attr := range tag.Attr {
				if !refers(tag.Data, attr.Key) {
					continue
				}
				u, err := base.Parse(strings.TrimSpace(attr.Val))
				switch {
				case err != nil, u.Scheme != "http" && u.Scheme != "https":
				case tag.Data == "base":
					base = u
				default:
					all = append(all, normal(u))
				}
			}
		}
	}
}

func refers(tag, attr string) bool {
	switch tag {
	case "a", "area", "link", "base":
		return attr == "href"
	case "img", "script", "iframe", "source", "video", "audio":
		return attr == "src"
	}
	return false
}

// normal is the one way to write an address that several lead to.
func normal(u *url.URL) string {
	u.Fragment = ""
	if u.Path == "" {
		u.Path = "/"
	}
	return u.String()
}
