import tempfile
import urllib.error
import urllib.request

import oss2

from calls import Client, Wrong, at, equal

client = Client("oss2", oss2.__version__)
endpoint, key, secret, region = at("OSS"), at("ACCESS_KEY_ID"), at("ACCESS_KEY_SECRET"), at("OSS_REGION")
bucket = oss2.Bucket(
    oss2.ProviderAuthV4(oss2.StaticCredentialsProvider(key, secret)), endpoint, "feed-reference", region=region
)
older = oss2.Bucket(oss2.Auth(key, secret), endpoint, "feed-reference")
service = oss2.Service(oss2.ProviderAuthV4(oss2.StaticCredentialsProvider(key, secret)), endpoint, region=region)
body = b"abc" * 1000
here = "clients/oss2/"


def forbid_overwrite():
    try:
        bucket.put_object(here + "a", b"", headers={"x-oss-forbid-overwrite": "true"})
    except oss2.exceptions.ServerError as e:
        equal((e.status, e.code), (409, "FileAlreadyExists"))
        return
    raise Wrong("the object was overwritten")


def blank():
    name = here + "p/a b+ü%.txt"
    bucket.put_object(name, b"blank")
    equal([o.key for o in oss2.ObjectIteratorV2(bucket, prefix=here + "p/")], [name])
    equal(bucket.get_object(name).read(), b"blank")
    bucket.delete_object(name)
    equal(bucket.object_exists(name), False)


def resumable():
    with tempfile.NamedTemporaryFile() as file:
        file.write(body)
        file.flush()
        oss2.resumable_upload(bucket, here + "resumable", file.name)
    equal(bucket.get_object(here + "resumable").read(), body)


def signature_v1():
    older.put_object(here + "v 1", body)
    equal(older.get_object(here + "v 1").read(), body)
    older.delete_object(here + "v 1")


def sign_url():
    try:
        with urllib.request.urlopen(bucket.sign_url("GET", here + "a", 60, slash_safe=True)) as answer:
            equal(answer.read(), body)
    except urllib.error.HTTPError as e:
        raise RuntimeError(e.read().decode()) from e


client.first("put_object", lambda: equal(bucket.put_object(here + "a", body).status, 200))
client.calls(
    {
        "get_object": lambda: equal(bucket.get_object(here + "a").read(), body),
        "get_object, range": lambda: equal(bucket.get_object(here + "a", byte_range=(3, 8)).read(), b"abcabc"),
        "head_object": lambda: equal(bucket.head_object(here + "a").content_length, len(body)),
        "get_object_meta": lambda: equal(bucket.get_object_meta(here + "a").content_length, len(body)),
        "object_exists": lambda: equal(
            (bucket.object_exists(here + "a"), bucket.object_exists(here + "b")), (True, False)
        ),
        "list_objects_v2": lambda: equal(
            [o.key for o in bucket.list_objects_v2(prefix=here).object_list], [here + "a"]
        ),
        "forbid overwrite": forbid_overwrite,
        "resumable_upload": resumable,
        "a key with a blank": blank,
        "signature V1": signature_v1,
        "delete_object": lambda: equal(bucket.delete_object(here + "resumable").status, 204),
        "list_objects": lambda: equal([o.key for o in bucket.list_objects(prefix=here).object_list], [here + "a"]),
        "list_buckets": lambda: service.list_buckets(),
        "copy_object": lambda: bucket.copy_object("feed-reference", here + "a", here + "copy"),
        "append_object": lambda: bucket.append_object(here + "append", 0, b"a"),
        "init_multipart_upload": lambda: bucket.init_multipart_upload(here + "parts"),
        "batch_delete_objects": lambda: bucket.batch_delete_objects([here + "x"]),
        "put_object_acl": lambda: bucket.put_object_acl(here + "a", oss2.OBJECT_ACL_PRIVATE),
        "put_symlink": lambda: bucket.put_symlink(here + "a", here + "link"),
        "get_object_tagging": lambda: bucket.get_object_tagging(here + "a"),
        "get_bucket_location": lambda: bucket.get_bucket_location(),
        "get_bucket_stat": lambda: bucket.get_bucket_stat(),
        "create_bucket": lambda: bucket.create_bucket(),
        "select_object": lambda: bucket.select_object(here + "a", "select * from ossobject").read(),
        "sign_url": sign_url,
    }
)
