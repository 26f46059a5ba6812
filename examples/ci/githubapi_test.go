package ci_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// comment is one of a pull request, or note of a merge request.
type comment struct {
	ID   int    `json:"id"`
	Body string `json:"body"`
	User user   `json:"user"`

	pull   string // its number
	writes int
}

type user struct {
	Login string `json:"login"`
	Type  string `json:"type"` // User or Bot
}

// githubAPI keeps comments, and answers as the routes do that the workflow uses:
// https://docs.github.com/rest/issues/comments (list, create, update).
type githubAPI struct {
	url string

	mu     sync.Mutex
	all    []*comment
	tokens map[string]bool // true: may write
}

func newGitHubAPI(t *testing.T) *githubAPI {
	a := &githubAPI{tokens: map[string]bool{}}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /repos/acme/fraud/issues/{pull}/comments", a.list)
	mux.HandleFunc("POST /repos/acme/fraud/issues/{pull}/comments", a.create)
	mux.HandleFunc("PATCH /repos/acme/fraud/issues/comments/{id}", a.update)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a.mu.Lock()
		defer a.mu.Unlock()
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		may, known := a.tokens[strings.TrimPrefix(r.Header.Get("Authorization"), "token ")]
		switch {
		case !known:
			answer(w, http.StatusUnauthorized, map[string]string{"message": "Bad credentials"})
		case !may && r.Method != http.MethodGet:
			answer(w, http.StatusForbidden, map[string]string{"message": "Resource not accessible by integration"})
		default:
			mux.ServeHTTP(w, r)
		}
	}))
	t.Cleanup(server.Close)
	a.url = server.URL
	return a
}

// token is that of a job.
func (a *githubAPI) token(write bool) string {
	a.mu.Lock()
	defer a.mu.Unlock()
	name := fmt.Sprintf("token-%d", len(a.tokens))
	a.tokens[name] = write
	return name
}

// of are a pull request's comments by bots.
func (a *githubAPI) of(pull int) []*comment {
	a.mu.Lock()
	defer a.mu.Unlock()
	var found []*comment
	for _, c := range a.all {
		if c.pull == strconv.Itoa(pull) && c.User.Type == "Bot" {
			found = append(found, c)
		}
	}
	return found
}

// say has a person comment.
func (a *githubAPI) say(pull int, body string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.all = append(a.all, &comment{ID: 1000 + len(a.all), Body: body, User: user{"eve", "User"}, pull: strconv.Itoa(pull)})
}

func (a *githubAPI) list(w http.ResponseWriter, r *http.Request) {
	found := []*comment{}
	for _, c := range a.all {
		if c.pull == r.PathValue("pull") {
			found = append(found, c)
		}
	}
	answer(w, http.StatusOK, page(w, r, found))
}

func (a *githubAPI) create(w http.ResponseWriter, r *http.Request) {
	if body, ok := bodyOf(w, r); ok {
		c := &comment{ID: 1000 + len(a.all), Body: body, User: user{"github-actions[bot]", "Bot"}, pull: r.PathValue("pull"), writes: 1}
		a.all = append(a.all, c)
		answer(w, http.StatusCreated, c)
	}
}

func (a *githubAPI) update(w http.ResponseWriter, r *http.Request) {
	body, ok := bodyOf(w, r)
	if !ok {
		return
	}
	for _, c := range a.all {
		if strconv.Itoa(c.ID) == r.PathValue("id") {
			c.Body = body
			c.writes++
			answer(w, http.StatusOK, c)
			return
		}
	}
	answer(w, http.StatusNotFound, map[string]string{"message": "Not Found"})
}

// most is how many characters a comment may have on GitHub.
const most = 65536

func bodyOf(w http.ResponseWriter, r *http.Request) (string, bool) {
	var in struct{ Body string }
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil || in.Body == "" || len([]rune(in.Body)) > most {
		answer(w, http.StatusUnprocessableEntity, map[string]string{"message": "Validation Failed"})
		return "", false
	}
	return in.Body, true
}

// page is the page of a list that is asked for, 30 values unless told otherwise, and a link to the next.
func page[T any](w http.ResponseWriter, r *http.Request, all []T) []T {
	number := func(name string, otherwise int) int {
		if n, err := strconv.Atoi(r.URL.Query().Get(name)); err == nil {
			return min(max(n, 1), 100)
		}
		return otherwise
	}
	size, at := number("per_page", 30), number("page", 1)
	from, to := min((at-1)*size, len(all)), min(at*size, len(all))
	if to < len(all) {
		w.Header().Set("Link", fmt.Sprintf(`<http://%s%s?per_page=%d&page=%d>; rel="next"`, r.Host, r.URL.Path, size, at+1))
		w.Header().Set("X-Next-Page", strconv.Itoa(at+1))
	}
	return all[from:to]
}

func answer(w http.ResponseWriter, status int, v any) {
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // the client may be gone
}
