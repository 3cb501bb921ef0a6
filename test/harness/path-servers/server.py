"""Flask, or Django on uvicorn, with pages below /admin/ and one page for everything else; each answers with its name.
/.headers tells which variables the app has for the headers of the request.

Usage: server.py flask|django PORT
"""

import sys


def headers_in(variables):
    return {name: value for name, value in variables.items() if name.startswith("HTTP_")}


def serve_flask(port):
    from flask import Flask
    from werkzeug.serving import WSGIRequestHandler

    app = Flask(__name__)
    methods = ["GET", "POST", "DELETE"]

    @app.route("/admin/<path:page>", methods=methods)
    def admin(page):
        return "ADMIN"

    @app.route("/.headers")
    def headers():
        from flask import request

        return headers_in(request.environ)

    @app.route("/", methods=methods)
    @app.route("/<path:page>", methods=methods)
    def other(page=""):
        from flask import request

        return f"OPEN {request.method}"

    WSGIRequestHandler.protocol_version = "HTTP/1.1"
    print("ready", flush=True)
    app.run("127.0.0.1", port, threaded=True)


def serve_django(port):
    import django
    import uvicorn
    from django.conf import settings
    from django.core.asgi import get_asgi_application
    from django.http import HttpResponse, JsonResponse
    from django.urls import re_path

    settings.configure(
        ALLOWED_HOSTS=["*"], ROOT_URLCONF="urls", SECRET_KEY="of a test", APPEND_SLASH=False, MIDDLEWARE=[]
    )
    django.setup()
    urls = type(sys)("urls")
    urls.urlpatterns = [
        re_path(r"^admin/.+$", lambda request: HttpResponse("ADMIN")),
        re_path(r"^\.headers$", lambda request: JsonResponse(headers_in(request.META))),
        re_path(r"^", lambda request: HttpResponse(f"OPEN {request.method}")),
    ]
    sys.modules["urls"] = urls
    print("ready", flush=True)
    uvicorn.run(get_asgi_application(), host="127.0.0.1", port=port, log_level="warning")


if __name__ == "__main__":
    {"flask": serve_flask, "django": serve_django}[sys.argv[1]](int(sys.argv[2]))
