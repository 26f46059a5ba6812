package serve

// The Open Inference Protocol over gRPC (https://github.com/kserve/open-inference-protocol/blob/main/specification/protocol/inference_grpc.md), at
// the address of the other routes.
//
// A call of gRPC is a POST over HTTP/2 whose body is one message behind five bytes, its length among them, and whose answer ends with a status in
// the trailers (https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md). So calls go through what all requests go through: tokens, bounds,
// drain, metrics, log, and after the message is read the same code as JSON. Messages are read in place (message.go): what a call makes the server
// hold is bounded by its bytes, and no more is held of it than is used.
//
//	POST /inference.GRPCInferenceService/ModelInfer     application/grpc
//	00 | 00 00 01 2c | ModelInferRequest                flag of compression, length, message

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/binary"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// inference is what the paths of the service's calls begin with.
const inference = "/inference.GRPCInferenceService/"

// calls adds the routes of the service. In metrics they are the endpoints that do the same.
func (s *server) calls(mux *http.ServeMux) {
	call := func(name, endpoint string, h handler) {
		mux.Handle(inference+name, s.answered(http.MethodPost, endpoint, timed(h), writeCall))
	}
	call("ServerLive", "live", func(*http.Request, *exchange) (any, error) { return truth(true), nil })
	call("ServerReady", "ready", func(r *http.Request, x *exchange) (any, error) {
		_, err := s.ready(r, x)
		return truth(err == nil), nil
	})
	call("ServerMetadata", "server", func(*http.Request, *exchange) (any, error) { return s.serverMessage(), nil })
	call("ModelReady", "model_ready", s.named(func(r *http.Request, x *exchange) (any, error) {
		_, err := s.modelReady(r, x)
		if err != nil && statusOf(err) != http.StatusServiceUnavailable {
			return nil, err
		}
		return truth(err == nil), nil
	}))
	call("ModelMetadata", "metadata", s.named(func(r *http.Request, x *exchange) (any, error) {
		m, err := s.modelMetadata(r, x)
		if err != nil {
			return nil, err
		}
		return m.(modelAbout).message(), nil
	}))
	call("ModelInfer", "infer", s.modelInfer)
	call("", "none", func(r *http.Request, _ *exchange) (any, error) {
		return nil, &failure{http.StatusNotImplemented, fmt.Sprintf("there is no call %s", r.URL.Path)}
	})
}

// timed ends a handler when its client does not wait any longer, by the header grpc-timeout.
func timed(h handler) handler {
	return func(r *http.Request, x *exchange) (any, error) {
		media, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";")
		if r.ProtoMajor < 2 || media != "application/grpc" && media != "application/grpc+proto" {
			return nil, &failure{http.StatusUnsupportedMediaType, "this is a path of gRPC, which is application/grpc over HTTP/2"}
		}
		if given := r.Header.Get("Grpc-Timeout"); given != "" {
			left, err := timeout(given)
			if err != nil {
				return nil, err
			}
			ctx, cancel := context.WithTimeout(r.Context(), left)
			defer cancel()
			r = r.WithContext(ctx)
		}
		return h(r, x)
	}
}

// timeout reads a number of eight digits at most, and its unit.
func timeout(given string) (time.Duration, error) {
	units := map[byte]time.Duration{'H': time.Hour, 'M': time.Minute, 'S': time.Second, 'm': time.Millisecond, 'u': time.Microsecond, 'n': time.Nanosecond}
	last := len(given) - 1
	n, err := strconv.ParseUint(given[:last], 10, 32)
	unit, known := units[given[last]]
	if err != nil || !known || n > 99_999_999 {
		return 0, badRequest("grpc-timeout is %q, which is no time", shorten(given))
	}
	return min(time.Duration(n), math.MaxInt64/unit) * unit, nil
}

// modelInfer answers ModelInfer as infer does. Outputs come as bytes where the inputs came so.
func (s *server) modelInfer(r *http.Request, x *exchange) (any, error) {
	text, release, err := s.message(r)
	defer release()
	if err != nil {
		return nil, err
	}
	name, version, err := modelOf(text, 1, 2)
	if err != nil {
		return nil, err
	}
	to, err := s.target(with(r, name, version), x)
	if err != nil {
		return nil, err
	}
	request, err := to.model.inferMessage(text)
	if err != nil {
		return nil, err
	}
	answer, err := s.inferred(r.Context(), to, request, x)
	if err != nil {
		return nil, err
	}
	return answer.message(request.binary), nil
}

// named has a handler find the model of a message of a name and a version where REST has it in the path.
func (s *server) named(h handler) handler {
	return func(r *http.Request, x *exchange) (any, error) {
		text, release, err := s.message(r)
		defer release()
		if err != nil {
			return nil, err
		}
		name, version, err := modelOf(text, 1, 2)
		if err != nil {
			return nil, err
		}
		return h(with(r, name, version), x)
	}
}

// with names the model of a request, as the path of the other routes does.
func with(r *http.Request, model, version string) *http.Request {
	r.SetPathValue("model", model)
	r.SetPathValue("version", version)
	return r
}

// prefix is how many bytes stand before a message.
const prefix = 5

// message reads the one message of a call.
func (s *server) message(r *http.Request) (text []byte, release func(), err error) {
	all, release, err := s.read(r)
	if err != nil {
		return nil, release, err
	}
	if len(all) < prefix || uint64(binary.BigEndian.Uint32(all[1:])) != uint64(len(all)-prefix) {
		return nil, release, badRequest("the call has not one message, whole")
	}
	text = all[prefix:]
	if all[0] == 0 {
		return text, release, nil
	}
	if e := r.Header.Get("Grpc-Encoding"); e != "gzip" {
		return nil, release, &failure{http.StatusNotImplemented, fmt.Sprintf("a message that is compressed as %q is not taken; send it with gzip, or uncompressed", shorten(e))}
	}
	held, before := int64(0), release
	release = func() {
		s.bytes.Release(held)
		before()
	}
	packed, err := gzip.NewReader(bytes.NewReader(text))
	if err != nil {
		return nil, release, badRequest("the message is no gzip: %v", err)
	}
	text, err = s.charged(packed, 0, &held)
	return text, release, err
}

// writeCall writes the answer to a call: a message and the status in the trailers, or of an error the status alone.
func writeCall(w http.ResponseWriter, r *http.Request, _ int, value any, err error) {
	h := w.Header()
	h.Set("Content-Type", "application/grpc")
	if err != nil {
		h.Set("Grpc-Status", strconv.Itoa(code(statusOf(err))))
		h.Set("Grpc-Message", strings.ReplaceAll(url.QueryEscape(err.Error()), "+", "%20"))
		w.WriteHeader(http.StatusOK)
		return
	}
	message, flag := value.([]byte), byte(0)
	if accepts := r.Header.Get("Grpc-Accept-Encoding"); len(message) >= worthPacking && strings.Contains(accepts, "gzip") {
		h.Set("Grpc-Encoding", "gzip")
		message, flag = pack(message), 1
	}
	h.Set("Trailer", "Grpc-Status")
	w.WriteHeader(http.StatusOK)
	_, _ = w.Write(append(binary.BigEndian.AppendUint32([]byte{flag}, uint32(len(message))), message...)) // the client may be gone
	h.Set("Grpc-Status", "0")
}

// code is gRPC's for a status of HTTP (https://github.com/grpc/grpc/blob/master/doc/statuscodes.md).
func code(status int) int {
	switch status {
	case http.StatusBadRequest:
		return 3 // INVALID_ARGUMENT
	case http.StatusGatewayTimeout:
		return 4 // DEADLINE_EXCEEDED
	case http.StatusNotFound:
		return 5 // NOT_FOUND
	case http.StatusTooManyRequests, http.StatusRequestEntityTooLarge:
		return 8 // RESOURCE_EXHAUSTED
	case http.StatusNotImplemented, http.StatusUnsupportedMediaType, http.StatusMethodNotAllowed:
		return 12 // UNIMPLEMENTED
	case http.StatusServiceUnavailable:
		return 14 // UNAVAILABLE
	case http.StatusUnauthorized:
		return 16 // UNAUTHENTICATED
	}
	return 13 // INTERNAL
}
