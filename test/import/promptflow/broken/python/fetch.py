import requests
from promptflow import tool

@tool
def fetch(url):
    return requests.get(url).text
