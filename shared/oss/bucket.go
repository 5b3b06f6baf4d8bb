// Package oss stores the reference's snapshots and manifest in a bucket of Alibaba Cloud OSS. It is
// the only package of the functions that knows the OSS SDK.
//
// Requests are signed with signature V4, by the temporary credentials of the invocation they belong
// to; what is read is checked against the CRC64 that OSS sends.
package oss

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aliyun/aliyun-oss-go-sdk/oss"

	"feedstream/shared/reference"
)

// MaxObjectBytes bounds what Get reads; a larger object is an error.
const MaxObjectBytes = 1 << 30

// DefaultTimeout bounds one request when the configuration does not.
const DefaultTimeout = 30 * time.Second

// Config says where the bucket is.
type Config struct {
	// Endpoint is such as https://oss-cn-hangzhou-internal.aliyuncs.com. Without a scheme it means https. An IP
	// address or a host without a dot means path style.
	Endpoint string
	Region   string // such as cn-hangzhou; signature V4 needs it
	Bucket   string
	// Timeout bounds each request, body included, besides the context of the call; zero means DefaultTimeout.
	Timeout time.Duration
}

// Credentials are those of the function's role. The token is empty for a permanent key.
type Credentials struct {
	AccessKeyID     string
	AccessKeySecret string
	SecurityToken   string
}

// Bucket is one bucket. It is safe for concurrent use.
type Bucket struct {
	cfg         Config
	credentials func(context.Context) (Credentials, error)
	http        *http.Client
	pathStyle   bool
}

// New returns a bucket; it does not connect. credentials is asked at every call, with the context of
// the call, since temporary credentials belong to an invocation and expire.
func New(cfg Config, credentials func(context.Context) (Credentials, error)) (*Bucket, error) {
	if err := cfg.complete(); err != nil {
		return nil, err
	}
	return &Bucket{
		cfg: cfg, credentials: credentials,
		pathStyle: !strings.Contains(cfg.hostname(), "."),
		http: &http.Client{
			Transport: &http.Transport{
				DialContext:         (&net.Dialer{Timeout: 5 * time.Second}).DialContext,
				MaxIdleConnsPerHost: 8,
				IdleConnTimeout:     50 * time.Second, // OSS closes idle connections after a minute
				TLSHandshakeTimeout: 5 * time.Second,
				// The CRC64 is that of the plain bytes, so no transfer compression is asked for.
				DisableCompression: true,
			},
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}, nil
}

// open makes the SDK's handle for one call. It is cheap: connections live in the shared transport.
func (b *Bucket) open(ctx context.Context) (*oss.Bucket, error) {
	c, err := b.credentials(ctx)
	if err != nil {
		return nil, fmt.Errorf("credentials: %w", err)
	}
	if c.AccessKeyID == "" || c.AccessKeySecret == "" {
		return nil, errors.New("credentials: this invocation brought no access key: give the function a role")
	}
	client, err := oss.New(b.cfg.Endpoint, c.AccessKeyID, c.AccessKeySecret,
		oss.SecurityToken(c.SecurityToken), oss.AuthVersion(oss.AuthV4), oss.Region(b.cfg.Region),
		oss.ForcePathStyle(b.pathStyle), oss.HTTPClient(b.http), oss.EnableCRC(true))
	if err != nil {
		return nil, err
	}
	return client.Bucket(b.cfg.Bucket)
}

// call carries out one request within its time limit. A repeatable one is sent once more when its connection
// turned out to be dead, as kept connections are after the instance was frozen.
func (b *Bucket) call(
	ctx context.Context, repeatable bool, send func(context.Context, *oss.Bucket) error,
) error {
	ctx, cancel := context.WithTimeout(ctx, b.cfg.Timeout)
	defer cancel()
	bucket, err := b.open(ctx)
	if err != nil {
		return err
	}
	err = send(ctx, bucket)
	if repeatable && connectionLost(err) && ctx.Err() == nil {
		b.http.CloseIdleConnections()
		err = send(ctx, bucket)
	}
	return err
}

// Get reads a whole object. With ifNoneMatch it returns reference.ErrNotModified while the object
// has that ETag; an absent object is reference.ErrNotFound, one whose checksum is wrong
// reference.ErrCorrupt.
func (b *Bucket) Get(ctx context.Context, key, ifNoneMatch string) (reference.Object, error) {
	var object reference.Object
	err := b.call(ctx, true, func(ctx context.Context, bucket *oss.Bucket) (err error) {
		object, err = get(ctx, bucket, key, ifNoneMatch)
		return err
	})
	if err != nil {
		return reference.Object{}, b.failed("get", key, err)
	}
	return object, nil
}

func get(ctx context.Context, bucket *oss.Bucket, key, ifNoneMatch string) (reference.Object, error) {
	options := []oss.Option{oss.WithContext(ctx)}
	if ifNoneMatch != "" {
		options = append(options, oss.IfNoneMatch(ifNoneMatch))
	}
	result, err := bucket.DoGetObject(&oss.GetObjectRequest{ObjectKey: key}, options)
	if err != nil {
		return reference.Object{}, err
	}
	defer result.Response.Close()
	body, err := readWhole(result.Response)
	if err != nil {
		return reference.Object{}, err
	}
	if result.Response.Headers.Get(oss.HTTPHeaderOssCRC64) == "" {
		return reference.Object{}, errors.New("the answer carries no x-oss-hash-crc64ecma to check the body against")
	}
	if sum := result.ClientCRC.Sum64(); sum != result.ServerCRC {
		return reference.Object{}, fmt.Errorf("%w: the body has CRC64 %d instead of %d", reference.ErrCorrupt, sum, result.ServerCRC)
	}
	return reference.Object{Body: body, ETag: result.Response.Headers.Get("ETag")}, nil
}

// readWhole reads the body into one piece of memory of the length that OSS announces: a large snapshot would
// otherwise be copied again and again while it grows, and there would be two of it for a while.
func readWhole(response *oss.Response) ([]byte, error) {
	announced, err := strconv.ParseUint(response.Headers.Get(oss.HTTPHeaderContentLength), 10, 64)
	if err != nil {
		announced = 0 // it comes in chunks, as through a gateway
	}
	body := bytes.NewBuffer(make([]byte, 0, min(announced, MaxObjectBytes)+bytes.MinRead))
	if _, err := body.ReadFrom(io.LimitReader(response, MaxObjectBytes+1)); err != nil {
		return nil, fmt.Errorf("read the body: %w", err)
	}
	if body.Len() > MaxObjectBytes {
		return nil, fmt.Errorf("the object is larger than %d bytes", MaxObjectBytes)
	}
	return body.Bytes(), nil
}

// Put stores an object; it is durable once Put has returned nil. Without overwrite, a key that is
// taken is reference.ErrExists and the stored object is untouched. After any other error the object
// may or may not have been stored.
func (b *Bucket) Put(ctx context.Context, key string, body []byte, overwrite bool) error {
	// A second try without overwrite could meet the object of the first and report it as somebody else's.
	err := b.call(ctx, overwrite, func(ctx context.Context, bucket *oss.Bucket) error {
		return bucket.PutObject(key, bytes.NewReader(body),
			oss.WithContext(ctx), oss.ForbidOverWrite(!overwrite), oss.ContentType("application/octet-stream"))
	})
	if err != nil {
		return b.failed("put", key, err)
	}
	return nil
}

// Delete removes an object; an absent one is no error.
func (b *Bucket) Delete(ctx context.Context, key string) error {
	err := b.call(ctx, true, func(ctx context.Context, bucket *oss.Bucket) error {
		return bucket.DeleteObject(key, oss.WithContext(ctx))
	})
	if err != nil {
		return b.failed("delete", key, err)
	}
	return nil
}

// List describes all objects whose keys start with prefix, in byte order of the keys.
func (b *Bucket) List(ctx context.Context, prefix string) ([]reference.ObjectInfo, error) {
	var infos []reference.ObjectInfo
	for token := ""; ; {
		var page oss.ListObjectsResultV2
		err := b.call(ctx, true, func(ctx context.Context, bucket *oss.Bucket) (err error) {
			page, err = bucket.ListObjectsV2(oss.Prefix(prefix), oss.MaxKeys(1000), oss.ContinuationToken(token),
				oss.WithContext(ctx))
			return err
		})
		if err != nil {
			return nil, b.failed("list", prefix, err)
		}
		for _, object := range page.Objects {
			infos = append(infos, reference.ObjectInfo{Key: object.Key, Size: object.Size, LastModified: object.LastModified})
		}
		if !page.IsTruncated {
			break
		}
		token = page.NextContinuationToken
	}
	slices.SortFunc(infos, func(x, y reference.ObjectInfo) int { return strings.Compare(x.Key, y.Key) })
	return infos, nil
}
