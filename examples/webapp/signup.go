package main

import (
	"encoding/json"
	"errors"
	"mime"
	"net/http"
	"net/mail"
	"strings"

	"github.com/steadgo/stead/channelq"
)

// signUp takes an address, from the form or as JSON, puts the welcome mail into
// the queue and answers at once. 202 means that the mail is on its way: sent, or
// in the report of what was left over.
func (s *site) signUp(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, 8<<10)
	address, problem := submitted(r)
	if problem != "" {
		s.answer(w, r, http.StatusBadRequest, problem)
		return
	}
	switch err := s.emails.Enqueue(r.Context(), welcome{Email: address}); {
	case err == nil:
		s.answer(w, r, http.StatusAccepted, "Thank you. A welcome mail is on its way to "+address+".")
	case errors.Is(err, channelq.ErrFull), errors.Is(err, channelq.ErrClosed):
		w.Header().Set("Retry-After", "5")
		s.answer(w, r, http.StatusServiceUnavailable, "Too many people are signing up right now. Please try again in a few seconds.")
	default: // the visitor has gone
		s.answer(w, r, http.StatusServiceUnavailable, "The sign-up was interrupted.")
	}
}

// submitted is the address in the request, or what is wrong, for the visitor.
func submitted(r *http.Request) (address, problem string) {
	var input struct {
		Email string `json:"email"`
	}
	if isJSON(r) {
		if err := json.NewDecoder(r.Body).Decode(&input); err != nil {
			return "", `The body is not JSON like {"email": "you@example.com"}.`
		}
	} else {
		if err := r.ParseForm(); err != nil {
			return "", "The form could not be read."
		}
		input.Email = r.PostForm.Get("email")
	}
	text := strings.TrimSpace(input.Email)
	if text == "" {
		return "", "Please enter an e-mail address."
	}
	// Only a bare address: "Name <a@b>" parses too, and would get around every
	// check on what is shown and sent.
	parsed, err := mail.ParseAddress(text)
	if err != nil || parsed.Address != text || len(text) > 254 || !strings.Contains(text[strings.LastIndexByte(text, '@'):], ".") {
		return "", "That does not look like an e-mail address: it should read like you@example.com."
	}
	return text, ""
}

func isJSON(r *http.Request) bool {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	return err == nil && kind == "application/json"
}

// answer replies in the form that the request came in.
func (s *site) answer(w http.ResponseWriter, r *http.Request, status int, text string) {
	if !isJSON(r) {
		s.render(w, status, "home.html", s.home(text, status >= http.StatusBadRequest))
		return
	}
	key := "status"
	if status >= http.StatusBadRequest {
		key = "error"
	}
	writeJSON(w, status, map[string]string{key: text})
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	text, err := json.Marshal(v)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(append(text, '\n'))
}
