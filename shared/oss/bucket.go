// Package oss stores the reference's snapshots and manifest in a bucket of Alibaba Cloud OSS. It is
// the only package of the functions that knows the OSS SDK.
//
// Requests are signed with signature V4, by the temporary credentials of the invocation they belong
// to; what is read is checked against the CRC64 that OSS sends.
package oss

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/aliyun/aliyun-oss-go-sdk/oss"

	"feedstream/shared/reference"
)

// MaxObjectBytes bounds what Get reads; a larger object is an error.
const MaxObjectBytes = 1 << 30

// Config says where the bucket is.
type Config struct {
	Endpoint string // such as https://oss-cn-hangzhou-internal.aliyuncs.com; an IP address means path style
	Region   string // such as cn-hangzhou; signature V4 needs it
	Bucket   string
}

// Credentials are those of the function's role. The token is empty for a permanent key.
type Credentials struct {
	AccessKeyID     string
	AccessKeySecret string
	SecurityToken   string
}

// Bucket is one bucket. It is safe for concurrent use.
type Bucket struct {
	config      Config
	credentials func(context.Context) (Credentials, error)
	http        *http.Client
	pathStyle   bool
}

// New returns a bucket; it does not connect. credentials is asked at every call, with the context of
// the call, since temporary credentials belong to an invocation and expire.
func New(config Config, credentials func(context.Context) (Credentials, error)) (*Bucket, error) {
	endpoint, err := url.Parse(config.Endpoint)
	if err != nil || endpoint.Host == "" && !strings.Contains(config.Endpoint, ".") {
		return nil, fmt.Errorf("OSS endpoint %q is not a host name or an http(s) address", config.Endpoint)
	}
	if err := oss.CheckBucketName(config.Bucket); err != nil {
		return nil, fmt.Errorf("OSS bucket %q: %w", config.Bucket, err)
	}
	return &Bucket{
		config: config, credentials: credentials,
		pathStyle: endpoint.Hostname() == "localhost" || net.ParseIP(endpoint.Hostname()) != nil,
		http: &http.Client{
			Transport: &http.Transport{
				DialContext:         (&net.Dialer{Timeout: 5 * time.Second}).DialContext,
				MaxIdleConnsPerHost: 8,
				IdleConnTimeout:     50 * time.Second, // OSS closes idle connections after a minute
				TLSHandshakeTimeout: 5 * time.Second,
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
	client, err := oss.New(b.config.Endpoint, c.AccessKeyID, c.AccessKeySecret,
		oss.SecurityToken(c.SecurityToken), oss.AuthVersion(oss.AuthV4), oss.Region(b.config.Region),
		oss.ForcePathStyle(b.pathStyle), oss.HTTPClient(b.http), oss.EnableCRC(true))
	if err != nil {
		return nil, err
	}
	return client.Bucket(b.config.Bucket)
}

// Get reads a whole object. With ifNoneMatch it returns reference.ErrNotModified while the object
// has that ETag; an absent object is reference.ErrNotFound.
func (b *Bucket) Get(ctx context.Context, key, ifNoneMatch string) (reference.Object, error) {
	object, err := b.get(ctx, key, ifNoneMatch)
	if err != nil {
		return reference.Object{}, b.failed("get", key, err)
	}
	return object, nil
}

func (b *Bucket) get(ctx context.Context, key, ifNoneMatch string) (reference.Object, error) {
	bucket, err := b.open(ctx)
	if err != nil {
		return reference.Object{}, err
	}
	options := []oss.Option{oss.WithContext(ctx)}
	if ifNoneMatch != "" {
		options = append(options, oss.IfNoneMatch(ifNoneMatch))
	}
	result, err := bucket.DoGetObject(&oss.GetObjectRequest{ObjectKey: key}, options)
	if err != nil {
		return reference.Object{}, err
	}
	defer result.Response.Close()
	body, err := io.ReadAll(io.LimitReader(result.Response, MaxObjectBytes+1))
	if err != nil {
		return reference.Object{}, fmt.Errorf("read the body: %w", err)
	}
	if len(body) > MaxObjectBytes {
		return reference.Object{}, fmt.Errorf("the object is larger than %d bytes", MaxObjectBytes)
	}
	if result.ServerCRC != 0 && result.ClientCRC != nil {
		if sum := result.ClientCRC.Sum64(); sum != result.ServerCRC {
			return reference.Object{}, fmt.Errorf("the body has CRC64 %d instead of %d", sum, result.ServerCRC)
		}
	}
	return reference.Object{Body: body, ETag: result.Response.Headers.Get("ETag")}, nil
}

// Put stores an object; it is durable once Put has returned nil. Without overwrite, a key that is
// taken is reference.ErrExists and the stored object is untouched. After any other error the object
// may or may not have been stored.
func (b *Bucket) Put(ctx context.Context, key string, body []byte, overwrite bool) error {
	bucket, err := b.open(ctx)
	if err == nil {
		err = bucket.PutObject(key, strings.NewReader(string(body)),
			oss.WithContext(ctx), oss.ForbidOverWrite(!overwrite), oss.ContentType("application/octet-stream"))
	}
	if err != nil {
		return b.failed("put", key, err)
	}
	return nil
}

// Delete removes an object; an absent one is no error.
func (b *Bucket) Delete(ctx context.Context, key string) error {
	bucket, err := b.open(ctx)
	if err == nil {
		err = bucket.DeleteObject(key, oss.WithContext(ctx))
	}
	if err != nil {
		return b.failed("delete", key, err)
	}
	return nil
}

// List describes all objects whose keys start with prefix, in byte order of the keys.
func (b *Bucket) List(ctx context.Context, prefix string) ([]reference.ObjectInfo, error) {
	var infos []reference.ObjectInfo
	for token := ""; ; {
		bucket, err := b.open(ctx)
		if err != nil {
			return nil, b.failed("list", prefix, err)
		}
		page, err := bucket.ListObjectsV2(oss.Prefix(prefix), oss.MaxKeys(1000), oss.ContinuationToken(token), oss.WithContext(ctx))
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

// failed names what was being done where, and gives the answers that callers act on their sentinels.
func (b *Bucket) failed(verb, key string, err error) error {
	var service oss.ServiceError
	var status oss.UnexpectedStatusCodeError
	switch {
	case errors.As(err, &service) && service.StatusCode == http.StatusNotFound && service.Code == "NoSuchKey":
		err = reference.ErrNotFound
	case errors.As(err, &service) && service.Code == "FileAlreadyExists":
		err = reference.ErrExists
	case errors.As(err, &service) && service.StatusCode == http.StatusNotModified,
		errors.As(err, &status) && status.Got() == http.StatusNotModified,
		strings.Contains(err.Error(), "service returned 304"): // the SDK has no type for it
		err = reference.ErrNotModified
	}
	return fmt.Errorf("OSS %s: %s %s/%s: %w", b.config.Endpoint, verb, b.config.Bucket, key, err)
}
