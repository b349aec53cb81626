# Builds PKG-LLM-GATEWAY-001: make_prompt_router.sh FOLDER SOURCE...

need python3
python3 clients/python/prompt_router/make_package.py "$1"
